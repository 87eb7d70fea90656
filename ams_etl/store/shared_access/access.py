"""All that is shared about one system of an agency."""

from ams_etl.store.logins.login_refusals import PostgresLoginGate
from ams_etl.store.shared_access.call_slots import PostgresCallSlots
from ams_etl.store.shared_access.session_tickets import PostgresTicket


class SharedAccess:
    """Implements `ams_etl.sources.calling.across_processes.AcrossProcesses`.

    Args:
        url: the database.
        agency: the agency id.
        system: `ams360` or `benefitpoint`.
        own_login: log in even where another process has a ticket, to see whether the login works.
    """

    def __init__(self, url: str, agency: str, system: str, *, own_login: bool = False) -> None:
        self._own_login = own_login
        self._where = (url, agency, system)
        self.login_gate = PostgresLoginGate(url, agency, system)

    def call_slots(self) -> PostgresCallSlots:
        """Return the share of a client that is opened now."""
        return PostgresCallSlots(*self._where)

    def shared_ticket(self, identity: str) -> PostgresTicket | None:
        """Return the ticket of this login; None: log in anyway."""
        return None if self._own_login else PostgresTicket(*self._where, identity)
