"""The ways an alert leaves: mail, a Slack-compatible webhook, and a webhook that is signed."""

import hashlib
import hmac
import json
import smtplib
import ssl
import time
from collections.abc import Callable
from email import policy
from email.message import EmailMessage

import requests

from ams_etl.alerts.messages import Message
from ams_etl.errors import ConfigError, TransientError
from ams_etl.settings.alerts import AlertChannel

SIGNATURE = "X-Ams-Etl-Signature"
"""`t=SECONDS,v1=HEX`: HMAC-SHA256 with the channel's secret over `SECONDS.BODY`."""
_TIMEOUT_SECONDS = 15.0
_SLACK_LIMIT = 3000
"""Characters that Slack shows of a message's text block."""

Secret = Callable[[str], str]
"""The value of an environment variable that the settings name; a ConfigError where it is not set."""


def send(channel: AlertChannel, message: Message, secret: Secret) -> None:
    """Send a message by a channel.

    Raises:
        ConfigError: a secret is not set, or the receiver refuses us for good.
        TransientError: the receiver did not take it; another try may do.
    """
    {"mail": _mail, "slack": _slack, "webhook": _webhook}[channel.kind](channel, message, secret)


def sign(body: bytes, secret: str, at: int) -> str:
    """Return the signature header's value for a body sent at a time (seconds since 1970)."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def _mail(channel: AlertChannel, message: Message, secret: Secret) -> None:
    smtp = channel.smtp
    if smtp is None or channel.sender is None:
        raise ConfigError(f"alerts.channels.{channel.name}: a mail channel needs smtp and sender")
    # A subject is one line, as long as a mail's line may be.
    mail = EmailMessage(policy.SMTP.clone(max_line_length=998))
    mail["Subject"], mail["From"], mail["To"] = message.subject, channel.sender, ", ".join(channel.to)
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text)
    password = secret(smtp.password_env) if smtp.password_env else None
    try:
        kind = smtplib.SMTP_SSL if smtp.tls == "tls" else smtplib.SMTP
        with kind(smtp.host, smtp.port, timeout=_TIMEOUT_SECONDS) as server:
            if smtp.tls == "starttls":
                server.starttls(context=ssl.create_default_context())
            if smtp.username and password:
                server.login(smtp.username, password)
            server.send_message(mail)
    except smtplib.SMTPAuthenticationError:
        raise ConfigError(f"alerts.channels.{channel.name}: {smtp.host} refuses the user name or password") from None
    except (smtplib.SMTPException, OSError) as error:
        raise TransientError(
            f"alerts.channels.{channel.name}: {smtp.host} did not take the mail: {type(error).__name__}"
        ) from None


def _slack(channel: AlertChannel, message: Message, secret: Secret) -> None:
    # Slack reads these three signs as its own; nothing else needs escaping.
    text = f"*{message.subject}*\n{message.text}".replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    body = json.dumps({"text": text[:_SLACK_LIMIT]}).encode()
    _post(channel, body, {}, secret)


def _webhook(channel: AlertChannel, message: Message, secret: Secret) -> None:
    body = json.dumps({**message.data, "subject": message.subject, "text": message.text}).encode()
    signature = sign(body, secret(channel.secret_env or ""), int(time.time()))
    _post(channel, body, {SIGNATURE: signature}, secret)


def _post(channel: AlertChannel, body: bytes, headers: dict[str, str], secret: Secret) -> None:
    place = f"alerts.channels.{channel.name}"
    try:
        # A redirect could lead a signed body to somebody else.
        answer = requests.post(
            secret(channel.url_env or ""), data=body, headers={"Content-Type": "application/json", **headers},
            timeout=_TIMEOUT_SECONDS, allow_redirects=False,
        )  # fmt: skip
    except requests.RequestException as error:
        # The address may contain a token, so the error's own text is not shown.
        raise TransientError(f"{place}: the receiver cannot be reached: {type(error).__name__}") from None
    if answer.status_code in {401, 403, 404, 410}:
        raise ConfigError(
            f"{place}: the receiver answers {answer.status_code}; is the address in {channel.url_env} right?"
        )
    if answer.status_code >= 300:
        raise TransientError(f"{place}: the receiver answers {answer.status_code}")
