"""What the processes that call one system of an agency share: its limit of calls, its login, its ticket.

Every method may block, and is called in a thread of its own.
"""

from typing import Protocol

from ams_etl.sources.calling.login_gate import LoginGate


class CallSlots(Protocol):
    """One open client's share of the calls that a system allows at a time."""

    expires_seconds: float
    """How long a share lasts that is not renewed."""

    def share(self, most: int, held: int, wanted: int) -> int:
        """Renew the share, and return how many calls this client may have in flight from now on.

        Args:
            most: the limit of all clients together.
            held: how many calls it has in flight, or may begin before it knows the answer.
            wanted: how many it would have in flight without a limit.

        Raises:
            AmsEtlError: the others cannot be asked.
        """

    def release(self) -> None:
        """Give the whole share back."""


class SharedTicket(Protocol):
    """The session ticket of one login, kept for all processes."""

    def take(self, refused: str | None) -> tuple[str | None, bool]:
        """Return the ticket that another process got, and whether this one shall log in.

        Neither means that another process is logging in: ask again soon.

        Args:
            refused: a ticket that the system no longer takes.
        """

    def keep(self, ticket: str | None) -> None:
        """End a login: share its ticket, or let another process try where there is none."""


def shared_gate(shared: "AcrossProcesses | None", secret: str) -> tuple[LoginGate, str] | None:
    """Return the login's gate with the secret that it is asked about, as `Session` takes them; None where nothing is shared."""
    return None if shared is None else (shared.login_gate, secret)


def slots_of(shared: "AcrossProcesses | None") -> CallSlots | None:
    """Return the share of a client that is opened now; None where nothing is shared."""
    return None if shared is None else shared.call_slots()


def ticket_of(shared: "AcrossProcesses | None", identity: str) -> SharedTicket | None:
    """Return the ticket of a login; None where it is not shared."""
    return None if shared is None else shared.shared_ticket(identity)


class AcrossProcesses(Protocol):
    """Everything that is shared about one system of an agency."""

    @property
    def login_gate(self) -> LoginGate:
        """What is known about refused logins."""

    def call_slots(self) -> CallSlots:
        """Return the share of a client that is opened now."""

    def shared_ticket(self, identity: str) -> SharedTicket | None:
        """Return the ticket of this login; None: log in anyway.

        Args:
            identity: all that decides whose session it is, the password included.
        """
