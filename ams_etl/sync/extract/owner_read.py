"""One customer or account with all beneath it, as a system answered: what is stored, and what could not be read."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ams_etl.sources.calling.answers import Listing, Rejected
from ams_etl.sources.calling.faults import SoapFault
from ams_etl.store.merge import RawTable, Record
from ams_etl.sync.raw.quarantine import Quarantined


@dataclass(slots=True)
class OwnerRead:
    """What was read of one owner of records; of a table in `incomplete` nothing is deleted."""

    customer_id: str
    rows: dict[RawTable, list[Record]] = field(default_factory=dict, kw_only=True)
    incomplete: set[RawTable] = field(default_factory=set, kw_only=True)
    set_aside: list[Quarantined] = field(default_factory=list, kw_only=True)
    fault: SoapFault | None = field(default=None, kw_only=True)
    """A fault that answered one of the reads in every try; a sync counts the owners that have one (`raw/faults.py`)."""

    def quarantine(self, table: RawTable, entity_id: str, reason: str, detail: object) -> None:
        """Quarantine a record, and take no other one of its table for deleted."""
        self.set_aside.append(Quarantined(table.name, entity_id, self.customer_id, reason, str(detail)))
        self.incomplete.add(table)

    def hold_back(self, tables: Sequence[RawTable], detail: str) -> None:
        """Store and delete nothing of this owner: without what could not be read it would pass for another kind."""
        self.rows.clear()
        self.incomplete.update(tables)
        self.set_aside.append(Quarantined(tables[0].name, self.customer_id, self.customer_id, "held back", detail))

    def add_listing(
        self, table: RawTable, listing: Listing | Exception, key_of: Callable[[Mapping[str, Any]], Any]
    ) -> Sequence[Rejected]:
        """Take the records of a list, or the error that was the answer; return its rows that cannot be read."""
        unnamed = f"of {self.customer_id}"
        if isinstance(listing, Exception):
            self.quarantine(table, unnamed, "unreadable", listing)
            return ()
        self.rows[table] = [Record(str(key), self.customer_id, row) for row in listing.records if (key := key_of(row))]
        for rejected in listing.rejected:
            self.quarantine(table, rejected.entity_id or unnamed, "unreadable", rejected.reason)
        return listing.rejected

    def readable(
        self, table: RawTable, answers: Iterable[tuple[str, Any]], refused: type[Exception]
    ) -> list[dict[str, Any]]:
        """Return the records among these answers by id, and quarantine the errors."""
        records = []
        for entity_id, answer in answers:
            if isinstance(answer, Exception):
                # Gone since the list was made, or unreadable: what raw has stays until a later sync knows better.
                self.quarantine(table, entity_id, "vanished" if isinstance(answer, refused) else "unreadable", answer)
            else:
                records.append(answer)
        return records


async def answer_or_error(call: Any, *errors: type[Exception]) -> Any:
    """Return the answer, or the error where it is about this record alone."""
    try:
        return await call
    except errors as error:
        return error
