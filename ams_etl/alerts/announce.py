"""Send what is due to every channel, and remember what each has taken."""

import logging
from collections.abc import Sequence
from typing import Any

import psycopg

from ams_etl.alerts.channels import Secret, send
from ams_etl.alerts.incidents import due, mark_announced
from ams_etl.alerts.messages import message_of
from ams_etl.errors import AmsEtlError
from ams_etl.settings.alerts import AlertChannel, AlertSettings

_log = logging.getLogger(__name__)


def announce(
    connection: psycopg.Connection[Any], settings: AlertSettings, channels: Sequence[AlertChannel], secret: Secret
) -> int:
    """Send every channel what is due for it, and return how many messages were taken.

    A channel that takes nothing stops no other one; what it did not take is due again at the next call.
    """
    sent = 0
    for channel in channels:
        announcements = due(connection, channel, settings.gather_seconds)
        messages = message_of(announcements, summary_above=settings.summary_above, ui_url=settings.ui_url)
        # Each message is one announcement, or the only message is all of them.
        parts = (
            [[announcement] for announcement in announcements]
            if len(messages) == len(announcements)
            else [announcements]
        )
        for message, part in zip(messages, parts, strict=False):
            try:
                send(channel, message, secret)
            except AmsEtlError as error:
                _log.warning("%s", error)
                break
            mark_announced(connection, channel.name, part)
            sent += 1
    return sent
