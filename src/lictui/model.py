"""The frozen values everything speaks in: Server, Pool, Reading, Snapshot, Failure, Poll.

Owns the arithmetic that belongs to one value; the words it is said in are in `words`. Must not know
where a value comes from, how it is kept or drawn. Times are UTC epoch seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date


# The scope of all servers together, in answers and on screens; no server may have this name.
ESTATE: Final = "estate"


# The closed sets of words: what can be true of a server, a pool, a poll; one word per thing


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

    @property
    def is_assigned(self) -> bool:
        """Whether a license is assigned to a user or device rather than checked out."""
        return self in (Model.USER_DEVICE, Model.NAMED_USER)

    @property
    def verb(self) -> str:
        """What a used license of this model is: "assigned" or "in use"."""
        return "assigned" if self.is_assigned else "in use"

    @property
    def label(self) -> str:
        """The name for people: `user/device`."""
        return _MODEL_NAMES[self][0]

    @property
    def short(self) -> str:
        """The name in three characters, for narrow columns: `u/d`."""
        return _MODEL_NAMES[self][1]


_MODEL_NAMES: Final = {
    Model.CONCURRENT: ("concurrent", "ccu"),
    Model.USER_DEVICE: ("user/device", "u/d"),
    Model.NAMED_USER: ("named user", "usr"),
    Model.SERVER: ("server", "srv"),
    Model.ENABLER: ("enabler", "enb"),
    Model.OTHER: ("other", "oth"),
}


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


class ReportingStatus(StrEnum):
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


class AlertTransition(StrEnum):
    """What became of an alert."""

    RAISED = "raised"
    WORSE = "worse"
    BETTER = "better"  # the journal alone has it
    REPEATED = "repeated"
    CLEARED = "cleared"


# Citrix asks that a license server be polled every 15 minutes and no more often (docs.citrix.com,
# "consoles-services"; its own figures change no faster), by whatever way. A site is read live.
# License servers report to Citrix Cloud once a day, and its token end point is rate limited.
DEFAULT_INTERVAL: Final = {
    SourceName.WINRM: 900.0,
    SourceName.CVAD: 60.0,
    SourceName.CITRIX_CLOUD: 900.0,
    SourceName.PARTNER: 3600.0,
    SourceName.LMSTAT: 900.0,
    SourceName.COMMAND: 900.0,
}


@dataclass(frozen=True, slots=True)
class Server:
    """One registered license server or site, as servers.toml has it."""

    name: str
    source: SourceName
    url: str = ""
    username: str = ""
    secret: str = ""  # a reference (`env:NAME`, …), never the secret itself
    auth: str = ""  # winrm alone: negotiate · kerberos · ntlm · basic · certificate
    verify: bool | str = True  # True · False · a CA bundle's path · "sha256:<hex>"
    group: str = ""
    interval: float | None = None  # seconds; None = the source's own default
    enabled: bool = True
    site: str = ""  # cvad: name or id of the site
    overview_paths: tuple[str, ...] = ()  # cvad: where to look for LicenseOverview
    certificate: str = ""  # winrm with auth = "certificate": PEM file with certificate and key
    customer_id: str = ""  # citrix-cloud, partner, and cvad in Citrix Cloud
    trust_url: str = ""  # partner: where tokens come from
    experimental: bool = False  # citrix-cloud: ask what Citrix has not documented, too
    address: str = ""  # lmstat: PORT@HOST, several with commas
    lmutil: str = ""  # lmstat: the program's path
    command: tuple[str, ...] = ()  # command: what to run, no shell
    format: str = ""  # command: what it prints
    licenses_available: str = ""  # command: whether LicensesAvailable is the "total" or "free"
    quantity_divisor: int = 1  # what installed and overdraft are divided by, where a server doubles
    same_as: str = ""  # the server that this is another way to read

    @property
    def effective_interval(self) -> float:
        """Seconds between two polls."""
        return self.interval or DEFAULT_INTERVAL[self.source]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a poll brought nothing: what happened, where, and what to do about it."""

    kind: FailureKind
    message: str
    hint: str = ""
    step: Step | None = None

    @property
    def state(self) -> State:
        """The state a server is in after this failure."""
        return STATE_OF_KIND.get(self.kind, State.DOWN)


def sum_all_known(figures: Iterable[int | None]) -> int | None:
    """Return the sum, or None if any figure is unknown; 0 for no figures at all."""
    total = 0
    for figure in figures:
        if figure is None:
            return None
        total += figure
    return total


def sum_known(figures: Iterable[int | None]) -> int | None:
    """Return the sum of the known figures, or None if there is none."""
    known = [figure for figure in figures if figure is not None]
    return sum(known) if known else None


@dataclass(frozen=True, slots=True)
class Reading:
    """The figures of a pool at one moment; None is a figure that could not be read."""

    in_use: int | None = None
    installed: int | None = None  # without overdraft; None also means unlimited
    overdraft: int | None = None

    @property
    def total(self) -> int | None:
        """Installed and overdraft together; an unknown overdraft counts as none."""
        return None if self.installed is None else self.installed + (self.overdraft or 0)

    @property
    def free(self) -> int | None:
        """Installed less in use; negative when overdraft is in use, never clamped."""
        if self.installed is None or self.in_use is None:
            return None
        return self.installed - self.in_use

    @property
    def ratio(self) -> float | None:
        """In use as a share of installed; None when unknown or nothing is installed."""
        return None if self.in_use is None or not self.installed else self.in_use / self.installed

    def level(self, warn: float, critical: float) -> Level:
        """How full this is, by two thresholds given as ratios; the last level that applies."""
        if self.in_use is None or self.installed is None:
            return Level.UNKNOWN
        if self.installed == 0:
            return Level.EXHAUSTED if self.in_use > 0 else Level.OK
        if self.in_use >= self.installed + (self.overdraft or 0):
            return Level.EXHAUSTED
        if self.in_use > self.installed:
            return Level.OVERDRAFT
        ratio = self.in_use / self.installed
        if ratio >= critical:
            return Level.CRITICAL
        return Level.WARN if ratio >= warn else Level.OK


@dataclass(frozen=True, slots=True, order=True)
class PoolKey:
    """What tells the pools of one server apart."""

    product: str
    subscription_date: str = ""  # ISO date, "" when the source gives none


@dataclass(frozen=True, slots=True)
class Pool:
    """One (server, product, subscription date) as the server reported it."""

    product: str  # the code as the server names it
    name: str  # friendly name; the code itself when nobody knows a better one
    model: Model
    reading: Reading
    license_type: str = ""
    subscription_date: date | None = None
    expires: date | None = None  # the first day on which some of the licenses end
    permanent: bool | None = None  # None: the source cannot tell
    partial_expiry: bool = False  # others of its licenses end later, or never
    reported_expiring: int | None = None  # of `partly`: how many end on `expires`, where it is told
    counted: bool = True  # start-up licenses are listed, never counted
    vendor: str = ""  # FlexNet alone: whose daemon serves it
    queued: int | None = None  # requests that wait, demand turned away; None: nobody can tell
    raw_fields: tuple[
        tuple[str, str], ...
    ] = ()  # the server's own fields, for the "why" of a figure
    formulas: tuple[
        tuple[str, str], ...
    ] = ()  # figure -> formula: ("installed", "Count - Overdraft")

    @property
    def expiring_count(self) -> int | None:
        """How many licenses end on `expires`; None when nobody tells."""
        return self.reported_expiring if self.partial_expiry else self.reading.installed

    @property
    def key(self) -> PoolKey:
        """What tells this pool from the others of its server."""
        return PoolKey(
            self.product, self.subscription_date.isoformat() if self.subscription_date else ""
        )


@dataclass(frozen=True, slots=True)
class Activation:
    """LAS activation, and the day it ends if told."""

    status: ActivationStatus
    expires: date | None = None


@dataclass(frozen=True, slots=True)
class Certificate:
    """The TLS certificate a server showed when it answered; None where a day cannot be read."""

    sha256: str  # of the leaf, lower-case hex
    valid_from: date | None = None
    expires: date | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the server itself says about its licenses: an alert, a grace period."""

    kind: str  # "grace" or "server", the contract's alert kinds
    level: Level  # ok (to be known) · warn · critical
    title: str
    detail: str = ""
    action: str = ""


@dataclass(frozen=True, slots=True)
class LicenseServer:
    """One license server as Citrix Cloud's License Usage Insights lists it."""

    host_id: str
    fqdn: str = ""
    status: ReportingStatus = ReportingStatus.NEVER_REPORTED
    last_reported: float | None = None  # UTC epoch seconds
    expires: date | None = None
    days_to_expire: int | None = None


@dataclass(frozen=True, slots=True)
class MonthlyUsage:
    """One month of a pool as the source itself tells of its past; no reading of lictui's."""

    key: PoolKey
    month_start: float  # UTC epoch seconds, the first moment of the month
    in_use: int | None  # assigned in all
    installed: int | None
    newly_assigned: int | None = None  # assigned in that month
    released: int | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything one successful poll told."""

    pools: tuple[Pool, ...]
    reported_name: str = ""
    version: str = ""
    mode: Mode | None = None
    activation: Activation | None = None
    notices: tuple[Notice, ...] = ()
    license_server_host: str = ""  # the host that the pools are on, where the source tells
    license_servers: tuple[LicenseServer, ...] = ()  # partner alone
    monthly_usage: tuple[MonthlyUsage, ...] = ()  # citrix-cloud alone
    certificate: Certificate | None = None  # None: not over TLS, or not lictui that spoke it


@dataclass(frozen=True, slots=True)
class LicenseUser:
    """Who holds a license; read only when asked for, and never kept."""

    product: str
    user: str = ""  # "" where a device holds it
    device: str = ""  # the user's host, or the device itself
    since: float | None = None  # UTC epoch seconds
    count: int = 1
    assigned: bool = False  # to a user or device, whether or not in use; else checked out
    subscription_date: date | None = None


@dataclass(frozen=True, slots=True)
class Poll:
    """One attempt to read one server, and what came of it."""

    server: str
    time: float  # UTC epoch seconds when the answer was complete
    latency: float  # seconds
    result: Snapshot | Failure


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the journal."""

    time: float
    kind: EventKind
    server: str
    message: str
    product: str = ""
    level: Level = Level.OK


@dataclass(frozen=True, slots=True)
class JournalFilter:
    """Which lines of the journal are asked for; what is empty narrows nothing."""

    servers: tuple[str, ...] = ()
    product: str = ""  # and what is said of its servers as a whole
    kinds: tuple[EventKind, ...] = ()


@dataclass(frozen=True, slots=True)
class StepResult:
    """How one step of the test went."""

    step: Step
    ok: bool
    detail: str
    seconds: float
    hint: str = ""
    fingerprint: str = field(default="")  # tls alone: the leaf's SHA-256, lower-case hex
    host_names: tuple[str, ...] = ()  # parse alone: what the license server calls itself


# What is remembered of an alert from poll to poll, and what people have said to it


@dataclass(frozen=True, slots=True, order=True)
class AlertKey:
    """What tells one alert from every other."""

    server: str
    kind: AlertKind
    product: str = ""  # "" when the server as a whole is meant
    detail: str = ""  # which of several: dates of a pool, the title of a notice


@dataclass(frozen=True, slots=True)
class AlertState:
    """One alert, from the first poll that found its cause until it is cleared."""

    key: AlertKey
    level: Level
    message: str
    since: float | None = None  # when its cause was first seen
    ratio: float | None = None  # in use / installed, of usage alone
    group: str = ""  # of the server
    polls_seen: int = 0  # polls in a row that found it, until it is raised
    polls_required: int = 1  # and how many it takes
    raised_at: float | None = None  # when it was; None while it is not
    notified_at: float | None = None  # when it was last spoken of
    polls_above: int = 0  # polls in a row that found it worse than its level
    polls_below: int = 0  # and better
    polls_clear: int = 0  # polls in a row that did not find it
    last_poll: float | None = None  # the poll that was counted last


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What somebody said to an alert: it is known (until it clears), or not before a time."""

    by: str
    time: float
    until: float | None = None  # of a snooze; None: acknowledged

    def is_active(self, now: float) -> bool:
        """Whether it still silences at `now`."""
        return self.until is None or now < self.until


@dataclass(frozen=True, slots=True)
class AlertEvent:
    """One thing that happened to an alert; `standing` is how it is after it, or was before."""

    transition: AlertTransition
    time: float
    alert: AlertState
    previous_level: Level = Level.OK  # the level until then, of `worse` and `better`
