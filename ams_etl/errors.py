"""The errors of ams_etl, named by what the caller must do next.

    AmsEtlError
      ConfigError      a setting is missing or wrong              stop; say what to set
        LoginRefused   the system does not take this login        stop this agency; no other try with this secret
      TransientError   time-out, 5xx, throttled, dead connection  try again, by allow-list
      PermanentError   a fault that another try cannot change     stop; no retry, no run retry
      DataError        a record breaks the contract               quarantine it with its reason, count it
        AnswerTooLarge an answer is larger than memory may hold   ask for fewer records, or quarantine the one

Messages are for people: they say what happened and what to do next, and hold neither secrets nor personal data.
"""


class AmsEtlError(Exception):
    """Anything that ams_etl raises on purpose."""


class ConfigError(AmsEtlError):
    """A setting is missing or wrong; the message names the file, the path inside it and what was expected."""


class LoginRefused(ConfigError):
    """A system refused the login; another try with the same secret may lock it, so nothing tries again."""


class TransientError(AmsEtlError):
    """The other side could not answer now; the same call may succeed later."""


class PermanentError(AmsEtlError):
    """The other side refused, and would refuse again."""


class DataError(AmsEtlError):
    """A record or an answer breaks its contract; the record is quarantined with this reason."""


class AnswerTooLarge(DataError):
    """An answer is larger than memory may hold; whoever asked for many records may ask for fewer."""
