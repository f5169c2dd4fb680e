"""The closed sets of words: what can be true of a server, a pool, a poll; one word per thing.

Owns the words that the outside reads in JSON, files and columns. Must not know what they describe.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class SourceName(StrEnum):
    """The protocols a server can be read with."""

    WINRM = "winrm"
    CVAD = "cvad"
    CITRIX_CLOUD = "citrix-cloud"
    PARTNER = "partner"
    LMSTAT = "lmstat"
    COMMAND = "command"


class Model(StrEnum):
    """How a license is counted."""

    CONCURRENT = "concurrent"
    USER_DEVICE = "user_device"
    NAMED_USER = "named_user"
    SERVER = "server"
    ENABLER = "enabler"
    OTHER = "other"


class State(StrEnum):
    """What is true of a server as a whole."""

    WAITING = "waiting"  # registered, never reported
    UP = "up"
    STALE = "stale"  # three polls missed
    DOWN = "down"
    DENIED = "denied"  # credentials, permission
    UNTRUSTED = "untrusted"  # TLS
    NO_DATA = "no_data"  # answers, but has no inventory
    ERROR = "error"  # an answer lictui cannot read
    DISABLED = "disabled"  # never contacted


class Level(StrEnum):
    """How full a pool is; in rising order, `unknown` apart."""

    OK = "ok"
    WARN = "warn"
    CRITICAL = "critical"
    OVERDRAFT = "overdraft"
    EXHAUSTED = "exhausted"
    UNKNOWN = "unknown"


class Mode(StrEnum):
    """How a server is licensed itself."""

    FILE = "file"
    LAS = "las"
    CLOUD = "cloud"


class Step(StrEnum):
    """The steps of reaching a server, in order."""

    RESOLVE = "resolve"
    CONNECT = "connect"
    TLS = "tls"
    AUTH = "auth"
    INVENTORY = "inventory"
    PARSE = "parse"


class FailureKind(StrEnum):
    """Why a poll failed; the contract's `reason.kind`."""

    TIMEOUT = "timeout"
    REFUSED = "refused"
    DNS = "dns"
    TLS = "tls"
    AUTH = "auth"
    FORBIDDEN = "forbidden"
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"
    PROTOCOL = "protocol"
    PARSE = "parse"
    TOO_LARGE = "too_large"
    NO_DATA = "no_data"
    COMMAND = "command"
    CONFIG = "config"


# The state a server is in after a failure; after any other it is down.
STATE_OF_KIND: Final = {
    FailureKind.AUTH: State.DENIED,
    FailureKind.FORBIDDEN: State.DENIED,
    FailureKind.TLS: State.UNTRUSTED,
    FailureKind.NO_DATA: State.NO_DATA,
    FailureKind.PROTOCOL: State.ERROR,
    FailureKind.PARSE: State.ERROR,
    FailureKind.TOO_LARGE: State.ERROR,
    FailureKind.COMMAND: State.ERROR,
    FailureKind.CONFIG: State.ERROR,
}


class ActivationStatus(StrEnum):
    """Where a server stands with the License Activation Service."""

    ACTIVATED = "activated"
    NOT_ACTIVATED = "not_activated"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


class Reporting(StrEnum):
    """Whether a license server tells Citrix Cloud what it uses."""

    REPORTING = "reporting"
    NOT_REPORTING = "not_reporting"  # silent for more than 3 days
    NEVER_REPORTED = "never_reported"
    EXPIRED = "expired"


class EventKind(StrEnum):
    """What the journal knows."""

    SERVER = "server"  # lost, found, registered, removed
    LEVEL = "level"
    LICENSES = "licenses"  # added, removed, renewed, expiring
    VERSION = "version"
    CERTIFICATE = "certificate"  # of TLS
    ACTIVATION = "activation"
    NOTICE = "notice"
    ALERT = "alert"  # raised, worse, cleared, said again, acknowledged, snoozed
    ACTION = "action"  # of config.toml, that failed or works again


class AlertKind(StrEnum):
    """What an alert is about; the contract's words."""

    USAGE = "usage"
    EXPIRY = "expiry"
    SUBSCRIPTION = "subscription"
    ACTIVATION = "activation"
    GRACE = "grace"
    SERVER = "server"
    DATA = "data"
    UNUSUAL = "unusual"


class Happening(StrEnum):
    """What became of an alert."""

    RAISED = "raised"
    WORSE = "worse"
    BETTER = "better"  # the journal alone has it
    REPEATED = "repeated"
    CLEARED = "cleared"
