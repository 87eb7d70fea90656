"""Say in a sentence what each remark of `ams-etl why` means: the findings that are no value of a contact."""

from collections.abc import Iterable, Mapping

from ams_etl.rules.contacts.reasons import reason_for
from ams_etl.rules.model import Finding

SENTENCES: Mapping[str, str] = {
    "suppressed_reason": "Nobody may write to this contact: every member is deceased, an address of it is refused (N10, M6), or a "
    "person suppressed it by hand (N17).",
    "left_out": "A mark such as (Deceased) took this person out of the contact; the others stay (M6).",
    "named_with": "This person of the same household names the contact too (M8).",
    "name_mark": "A word in a name field is a note and no name: minor, former, relative_deceased or another note (N10).",
    "dropped_email": "What is in the email field is a placeholder (M5) or no address (C7).",
    "over_shared_email": "Too many unrelated customers have this address, so it merges nobody (M5).",
    "absorbed": "This contact of a firm became part of the firm's own record (N8).",
    "continues": "A customer that was merged into this one in AMS360: its given name and its refusals are this contact's now (M9).",
    "skipped": "The record is no contact, for the reason beside it (Q3).",
}
"""A finding's field -> what it means."""


def meanings(findings: Iterable[Finding]) -> dict[str, str]:
    """Return what the remarks among these findings mean: the remark, or the reason of a record that is no contact -> a sentence."""
    found = {}
    for finding in findings:
        if finding.field == "skipped":
            found[finding.value] = reason_for(finding.value).sentence
        elif finding.field in SENTENCES:
            found[finding.field] = SENTENCES[finding.field]
    return found
