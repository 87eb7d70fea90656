"""Say in a sentence what each remark of `ams-etl why` means: the findings that are no value of a contact."""

from collections.abc import Mapping

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
    "skipped": "The record is no contact; docs/rules.md explains its reason (Q3).",
}
"""A finding's field -> what it means."""
