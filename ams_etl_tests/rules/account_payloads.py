"""BenefitPoint accounts as the service sends them, from a few words."""

from collections.abc import Mapping
from typing import Any


def account_payload(given: Mapping[str, Any]) -> dict[str, Any]:
    ids = {"amsCustomerId": given.get("ams_id"), "amsCustomerNumber": given.get("ams_number")}
    payload: dict[str, Any] = {
        "accountID": given["id"], "active": given.get("active", True), "accountClassification": "Group",
        "mainAddress": {"zip": given.get("zip"), "state": "New_York"}, "officeID": 3, "departmentID": 12,
        "accountType": "Client",
    }  # fmt: skip
    if "pool" in given:
        payload["accountClassification"] = "Marketing_Group"
        payload["marketingGroupAccountInfo"] = {"marketingGroupName": given["pool"]}
    elif "last" in given:
        payload["accountClassification"] = "Individual"
        payload["individualAccountInfo"] = {
            "personInfo": {"firstName": given.get("first"), "lastName": given["last"]}, "email": given.get("email"),
            "accountIntegrationInfo": ids,
        }  # fmt: skip
    else:
        payload["groupAccountInfo"] = {"accountName": given.get("name"), "accountIntegrationInfo": ids}
    return payload
