"""The `alerts` block: who is notified of what, and by which way."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ams_etl.settings.strict import Strict

Severity = Literal["warning", "error"]


LOGIN_STOPPED = "login_stopped"
"""The kind of incident that an agency's technical contact gets a mail about."""


class SmtpSettings(Strict):
    """The mail server that takes the messages."""

    host: str
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    tls: Literal["starttls", "tls", "none"] = "starttls"
    """`none` is for a server on the same host."""
    username: str | None = None
    password_env: str | None = None


class AlertChannel(Strict):
    """One receiver of alerts."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9_-]+$")]
    kind: Literal["mail", "slack", "webhook"]
    severity: Severity = "warning"
    """The lowest that it gets."""
    agencies: tuple[str, ...] = ()
    """Only incidents of these; empty: of all, and those that concern no single agency."""
    kinds: tuple[str, ...] = ()
    """Only incidents of these kinds, such as `login_stopped`; empty: of all."""
    repeat_hours: Annotated[float, Field(ge=0, le=720)] = 24.0
    """How often it is reminded of an incident that lasts; 0: never."""
    to: tuple[str, ...] = ()
    """Mail addresses."""
    sender: str | None = None
    smtp: SmtpSettings | None = None
    url_env: str | None = None
    """The environment variable with the webhook's address: it is a secret where it contains a token."""
    secret_env: str | None = None
    """The environment variable with the key that signs a webhook's body."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needed: dict[str, dict[str, object]] = {
            "mail": {"to": self.to, "sender": self.sender, "smtp": self.smtp},
            "slack": {"url_env": self.url_env},
            "webhook": {"url_env": self.url_env, "secret_env": self.secret_env},
        }
        missing = [name for name, value in needed[self.kind].items() if not value]
        if missing:
            raise ValueError(f"a channel of kind {self.kind} needs {' and '.join(missing)}")
        return self


class AlertSettings(Strict):
    """Hold what `ams-etl alerts watch` reports, and to which channels."""

    channels: tuple[AlertChannel, ...] = ()
    smtp: SmtpSettings | None = None
    """The mail server for the agencies' technical contacts."""
    sender: str | None = None
    """The address that mails to technical contacts come from."""
    summary_above: Annotated[int, Field(ge=1, le=1000)] = 5
    """More announcements than this at once become one message."""
    gather_seconds: Annotated[float, Field(ge=0, le=60)] = 10.0
    """How long a burst is gathered before the message is sent; at most four times as long altogether."""
    dead_after_seconds: Annotated[float, Field(ge=30, le=3600)] = 120.0
    """A daemon or follower without a heartbeat for this long is reported."""
    ui_url: Annotated[str, Field(pattern=r"^https?://[^\s?#]+$")] | None = None
    """Where people reach the Dagster UI; alerts then link to the run."""

    @property
    def can_mail_contacts(self) -> bool:
        """Whether the settings say how mail reaches the agencies' technical contacts."""
        return self.smtp is not None and self.sender is not None

    def channel_to(self, agency: str, addresses: tuple[str, ...]) -> AlertChannel:
        """Return the way to an agency's technical contact: a mail when a login stops working, and one when it works again."""
        return AlertChannel(
            name=f"technical-contact-{agency}", kind="mail", agencies=(agency,), kinds=(LOGIN_STOPPED,), repeat_hours=0,
            to=addresses, sender=self.sender, smtp=self.smtp,
        )  # fmt: skip

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [channel.name for channel in self.channels]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"channels: expected every name once, but {doubled[0]} is listed more than once")
        return self
