"""The raw tables of each system, and what they hold."""

from collections.abc import Mapping

from ams_etl.rules.settings import SourceSystem

RECORDS: Mapping[SourceSystem, Mapping[str, str]] = {
    "hawksoft": {
        "offices": "Offices, whose names become tags.",
        "clients": "Clients with their people, contacts and policies, without SSN, licence and tax number.",
    },
    "qq_catalyst": {
        "contacts": "Contact rows of every sub-type.",
        "account_infos": "AccountInfo of customers and prospects: agent and CSR, without the portal login.",
        "policies": "Policies with their lines of business.",
    },
    "mycase": {
        "staff": "Staff, who can be lead or originating attorney.",
        "clients": "Clients: people.",
        "companies": "Companies.",
        "cases": "Cases, with their attorneys and the clients and companies that they name.",
    },
}
"""System -> raw table -> what it holds, in the order in which they are read."""
