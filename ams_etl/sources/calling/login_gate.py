"""Keep a refused login from being tried over and over: systems lock a login after some wrong passwords."""

from typing import Protocol


def gate_of(gate: "LoginGate | None", secret: str) -> "tuple[LoginGate, str] | None":
    """Return the gate with the secret that it is asked about, as `Session` takes them; None without a gate."""
    return None if gate is None else (gate, secret)


class LoginGate(Protocol):
    """What is known, in all processes, about one agency's login to one system. Every method may block."""

    def check(self, secret: str) -> None:
        """Return if a login with this secret may be tried.

        Raises:
            LoginRefused: the system refused this very secret less than a day ago.
        """

    def refused(self, secret: str) -> None:
        """Remember that the system refused this secret."""

    def accepted(self) -> None:
        """Forget what was refused before."""
