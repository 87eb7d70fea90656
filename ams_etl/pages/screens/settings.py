"""Settings: each rule setting with its sentence and value, what another value would do, and the YAML to paste."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import yaml
from pydantic import TypeAdapter

from ams_etl.pages.jobs.queue import ask_for, jobs_of
from ams_etl.pages.people.roles import Role
from ams_etl.pages.visit import Answer, Moved, Refused, Screen, Shown, Visit
from ams_etl.rules.settings import RuleSettings
from ams_etl.settings import Agency

LONGEST_VALUE = 1_000
_SETTINGS = TypeAdapter(RuleSettings)
_OF_THE_BLOCKS = {"source_system", "benefitpoint_contacts"}
"""Said by which blocks an agency has, never under `settings`."""
SENTENCES: Mapping[str, str] = {
    "ownership": "Contacts can be assigned to users based on AMS360 roles: Executive / Producer, Representative / CSR.",
    "merged_owner_priority": "If a merged contact includes both commercial and personal records, this record type takes priority "
                             "for ownership.",
    "owner_fallback": "If a MyCase client's newest case has no attorney of the kind that owns, the other attorney of that case "
                      "owns.",
    "ownership_tags": "Tags based on the AMS360 Executive or Representative associated with each contact.",
    "tags": "Contacts can be tagged by line of business, carrier, branch, department, division, group, notation, city, state, "
            "postal code and health flag.",
    "birthday_key_facts": "When a contact's birthday can be identified from AMS360, it is added as a Key Fact.",
    "renewal_key_facts": "Policy expiration dates are added as Renewal Key Facts.",
    "prospects": "Which prospects, contacts without active policies, to sync: all, none, or within a defined timeframe.",
    "commercial_contacts": "For commercial accounts with multiple associated contacts: all contacts, or primary and secondary "
                           "contacts only.",
    "second_insured": "A second insured is pulled in from AMS360.",
    "second_insured_relationships": "The relationships by which a dependent is a second insured.",
    "primary_email_only": "If a contact has multiple email addresses, only the primary email address is synced.",
    "import_inactive": "Inactive AMS360 contacts are synced.",
    "merge_by": "Contacts sharing the same email address may be merged.",
    "placeholder_emails": "Further addresses, domains and local parts that are nobody's email address.",
    "shared_email_limit": "An email address of more unrelated groups of customers than this merges nobody.",
    "renewal_gap_days": "For so many days between two terms of a policy a customer stays a client.",
    "shared_address_name": "Whose name a contact of several people of one household on one address has.",
    "segments": "Contacts are included in or excluded from syncing based on selected tags.",
    "activity_actions": "The activity type in AMS360 by type of call or message.",
    "name_marks": "Further words in a name that say not to write to somebody.",
    "notations": "The names of notations, by their id.",
    "default_country": "The country of addresses and phone numbers that name none.",
    "lapsed_policy_statuses": "How the status of a policy begins that has ended, in HawkSoft and QQ Catalyst.",
    "ignored_policy_statuses": "How the status begins of what never was a policy.",
    "open_policy_statuses": "How the status begins of a policy that is in force though it has no expiration date.",
    "ignored_policy_sub_types": "The PolicySubType values in AMS360 that are no policies.",
}  # fmt: skip


def show_settings(visit: Visit) -> Answer:
    """Show every setting, and the form that tries another value; the URL may fill it in, to be sent to somebody."""
    document = current_settings(visit.agency)
    names = [field.name for field in fields(RuleSettings) if field.name not in _OF_THE_BLOCKS]
    rows = [(name, SENTENCES.get(name, ""), as_yaml(document[name])) for name in names]
    key = visit.query.get("key", "")
    key = key if key in names else ""
    value = visit.query.get("value", "")[:LONGEST_VALUE]
    block = lines_to_paste(key, value) if key else None
    tried = jobs_of(visit.connection, visit.agency.id, "preview")
    return Shown("settings.html", {"rows": rows, "key": key, "value": value, "block": block, "tried": tried})


def ask_for_preview(visit: Visit) -> Answer:
    """Try another value in the background; nothing is written."""
    key, value = visit.form.get("key", ""), visit.form.get("value", "").strip()
    if key not in {field.name for field in fields(RuleSettings)} - _OF_THE_BLOCKS:
        return Refused("There is no such setting.")
    if not value or len(value) > LONGEST_VALUE or lines_to_paste(key, value) is None:
        return Refused("The value is not YAML; for instance: true, all, [city, state], {within_days: 90}.")
    job_id = ask_for(visit.connection, visit.agency.id, "preview", ["--set", f"{key}={value}"], visit.person.name)
    visit.record("preview_settings", str(job_id), after={key: value})
    return Moved(f"{visit.home}/jobs/{job_id}")


def current_settings(agency: Agency) -> dict[str, Any]:
    """Return the agency's rule settings as agencies.yaml would have them."""
    document: dict[str, Any] = _SETTINGS.dump_python(agency.settings, mode="json")
    return document


def as_yaml(value: Any) -> str:
    """Return a setting's value as one writes it in agencies.yaml."""
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=1_000)
    return text.removesuffix("\n").removesuffix("...").strip()


def lines_to_paste(key: str, value: str) -> str | None:
    """Return the lines to paste under the agency in agencies.yaml, or None: the value is not YAML."""
    try:
        return yaml.safe_dump({"settings": {key: yaml.safe_load(value)}}, default_flow_style=None, allow_unicode=True)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None


SCREENS = [
    Screen("GET", "/settings", Role.VIEWER, show_settings, shows_people=False),
    Screen("POST", "/settings/preview", Role.OPERATOR, ask_for_preview),
]
