"""The three ways in which AMS360 says no."""

from uuid import uuid4

from ams_etl.sandbox.soap.service import SoapFault

DATA = "{http://www.WSAPI.AMS360.com/v3.0/DataContract}"


def security(message: str) -> SoapFault:
    """A refused login, a dead ticket, a missing right."""
    return SoapFault(
        "WSAPISecurityFault", f"{DATA}WSAPISecurityFault", {"Message": message, "CausalityId": str(uuid4())}
    )


def business(message: str, data_name: str, key: str | None = None) -> SoapFault:
    """What is asked cannot be, because of one value."""
    detail = {"Message": message, "DataName": data_name, "EntityKey": key}
    return SoapFault(
        "WSAPIBusinessFault",
        f"{DATA}WSAPIBusinessFault",
        {"Message": message, "FaultDetails": {"WSAPIBusinessFaultDetail": [detail]}},
    )


def general(message: str) -> SoapFault:
    """Everything else."""
    return SoapFault("WSAPIGeneralFault", f"{DATA}WSAPIGeneralFault", {"Message": message})
