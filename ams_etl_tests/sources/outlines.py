"""Write the outlines of the contracts that this version is built for: `python -m ams_etl_tests.sources.outlines --write`."""

import sys
from pathlib import Path

from ams_etl.sources.soap.contract import Contract
from ams_etl.sources.soap.outline import outline

_ROOT = Path(__file__).parents[2] / "ams_etl"
_FOLDER = _ROOT / "sources" / "soap" / "outlines"
WSDLS = {
    "ams360": _ROOT / "sandbox" / "ams360" / "WSAPIService.wsdl",
    "benefitpoint": _ROOT / "sandbox" / "benefitpoint" / "BrokerConnectV4.wsdl",
}
_USED = {
    "ams360": (
        "Login AgencyInfoGet CustomerGetListByNamePrefix CustomerGetById CustomerGetByNumber CustomerContactGetList "
        "CustomerDependentGetList PolicyGetListByCustomerId PolicyGet EmployeeGetListAll CompanyGetListAll "
        "GLDivisionGetListAll GLBranchGetListAll GLDepartmentGetListAll GLGroupGetListAll LineOfBusinessGetAllList "
        "CustomerSuspenseGetBySuspenseId CustomerSuspenseGetListByCustomerId SearchByPhoneNumber CustomerInsert CustomerUpdate "
        "CustomerNoteInsert CustomerActivityInsert CustomerSuspenseInsert CustomerSuspenseUpdate PolicyInsert FileChunkBegin "
        "FileChunkSend FileChunkEnd"
    ),
    "benefitpoint": (
        "findAccounts getAccount findAccountContacts getAccountContact findProducts getProduct getProductTypes findOffices "
        "findUsers getAvailableCarriers findChanges createAccount updateAccount createAccountContact updateAccountContact "
        "createProduct"
    ),
}


def made(system: str) -> str:
    """Return the outline of a system's contract, as its file holds it."""
    contract = Contract(str(WSDLS[system]), cache_folder=None)
    return "\n".join(outline(contract, _USED[system].split())) + "\n"


def stored(system: str) -> Path:
    """Return the file of a system's outline."""
    return _FOLDER / f"{system}.txt"


if __name__ == "__main__" and "--write" in sys.argv:
    _FOLDER.mkdir(exist_ok=True)
    for name in WSDLS:
        stored(name).write_text(made(name), encoding="utf-8")
