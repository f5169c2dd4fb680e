"""The values of the domain: servers, pools, readings, snapshots, failures, polls and alerts.

All are frozen and comparable, so that equal values need no redrawing. Times are UTC epoch seconds.
A failed poll is a value, not an exception, and an unknown figure is None, never 0.
"""

from __future__ import annotations

from datetime import date  # noqa: TC003 - `history.json_codec` reads fields by their types
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeVar

from msgspec import Struct
from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Iterable


# The scope of all servers together, in answers and on screens; no server may have this name.
ESTATE: Final = "estate"


# Enumerations; their values are those of the JSON output


class SourceName(StrEnum):
    """The protocol a server is read with."""

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
    """The state of a server as a whole."""

    WAITING = "waiting"  # registered, never reported
    UP = "up"
    STALE = "stale"  # three polls missed
    DOWN = "down"
    DENIED = "denied"  # credentials, permission
    UNTRUSTED = "untrusted"  # TLS
    NO_DATA = "no_data"  # responds, but returned no licenses
    ERROR = "error"  # invalid response
    DISABLED = "disabled"  # not polled


class Level(StrEnum):
    """How full a pool is, in rising order; `unknown` apart."""

    OK = "ok"
    WARN = "warn"
    CRITICAL = "critical"
    OVERDRAFT = "overdraft"
    EXHAUSTED = "exhausted"
    UNKNOWN = "unknown"


SEVERE_LEVELS: Final = (Level.CRITICAL, Level.OVERDRAFT, Level.EXHAUSTED)
LEVELS_ABOVE_WARN: Final = (Level.WARN, *SEVERE_LEVELS)


def count_text(number: int, noun: str) -> str:
    """Return `1 pool`, `2,000 pools`."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


_MOST_DIGITS: Final = 4  # decimals that a percentage is shown with at most


def percent_text(
    ratio: float | None, limits: Iterable[float] = (), digits: int = 0, unit: str = " %"
) -> str:
    """Return a share in percent, never rounded to the other side of a limit; `?` if unknown.

    0 and 100 % are limits in any case: 996 of 1,000 are `99 %`, 1 of 2,000 are `< 1 %`. Limits
    that no whole percentage separates get decimals.
    """
    if ratio is None:
        return "?"
    limits, scale = tuple(limits), 100 * 10**digits
    nearest = round(ratio * scale)
    if ratio > 0 and not nearest:
        return f"< {1 / 10**digits:.{digits}f}{unit}"
    for candidate in (nearest, nearest - 1, nearest + 1):
        shown = candidate / scale
        right = all((shown >= limit) == (ratio >= limit) for limit in (1.0, *limits))
        if (right and (shown > 1) == (ratio > 1)) or digits >= _MOST_DIGITS:
            return f"{candidate / 10**digits:.{digits}f}{unit}"
    return percent_text(ratio, limits, digits + 1, unit)


class Mode(StrEnum):
    """How the license server itself is licensed."""

    FILE = "file"
    LAS = "las"
    CLOUD = "cloud"


class Step(StrEnum):
    """The steps of a connection test, in order."""

    RESOLVE = "resolve"
    CONNECT = "connect"
    TLS = "tls"
    AUTH = "auth"
    INVENTORY = "inventory"
    PARSE = "parse"


class FailureKind(StrEnum):
    """Why a poll failed; `reason.kind` in JSON."""

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


# The state of a server after each kind of failure; after any other kind it is down.
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
    """Activation of a server by the License Activation Service (LAS)."""

    ACTIVATED = "activated"
    NOT_ACTIVATED = "not_activated"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


class ReportingStatus(StrEnum):
    """Whether a license server reports its usage to Citrix Cloud."""

    REPORTING = "reporting"
    NOT_REPORTING = "not_reporting"  # no report for more than 3 days
    NEVER_REPORTED = "never_reported"
    EXPIRED = "expired"


class EventKind(StrEnum):
    """Kind of an event in the journal."""

    SERVER = "server"  # lost, recovered, added, removed
    LEVEL = "level"
    LICENSES = "licenses"  # added, removed, renewed, expiring
    VERSION = "version"
    CERTIFICATE = "certificate"  # of TLS
    ACTIVATION = "activation"
    NOTICE = "notice"
    ALERT = "alert"  # raised, escalated, cleared, repeated, acknowledged, snoozed
    ACTION = "action"  # of config.toml: failed or recovered


class AlertKind(StrEnum):
    """What an alert is about."""

    USAGE = "usage"
    EXPIRY = "expiry"
    SUBSCRIPTION = "subscription"
    ACTIVATION = "activation"
    GRACE = "grace"
    SERVER = "server"
    DATA = "data"
    UNUSUAL = "unusual"


class AlertTransition(StrEnum):
    """A change of an alert."""

    RAISED = "raised"
    WORSE = "worse"
    BETTER = "better"  # recorded in the journal, triggers no action
    REPEATED = "repeated"
    CLEARED = "cleared"


class Subject(StrEnum):
    """What a source reads."""

    SERVER = "server"  # a license server
    SITE = "site"
    ACCOUNT = "account"  # of Citrix Cloud


class SourceTraits(Struct, frozen=True):
    """What the program knows of a source beyond its protocol."""

    title: str
    # Seconds. Citrix recommends polling a license server at most every 15 minutes
    # (docs.citrix.com, "consoles-services"; its own figures change no faster). A site returns live
    # values. License servers report to Citrix Cloud once a day; its tokens are rate limited.
    interval: float = 900.0
    subject: Subject = Subject.SERVER
    has_version: bool = False  # of the license server; lmstat's is that of FlexNet


# Whatever is listed by source comes from here; docs/architecture.md has the way of a new one.
SOURCES: Final = {
    SourceName.WINRM: SourceTraits("License server via WinRM", has_version=True),
    SourceName.CVAD: SourceTraits("Virtual Apps and Desktops site", 60.0, Subject.SITE),
    SourceName.CITRIX_CLOUD: SourceTraits("Citrix Cloud account", subject=Subject.ACCOUNT),
    SourceName.PARTNER: SourceTraits("Usage Insights for partners", 3600.0, Subject.ACCOUNT),
    SourceName.LMSTAT: SourceTraits("FlexNet server via lmutil"),
    SourceName.COMMAND: SourceTraits("Output of a command", has_version=True),
}
DEFAULT_INTERVAL: Final = {source: traits.interval for source, traits in SOURCES.items()}
ACCOUNT_SOURCES: Final = [s for s, traits in SOURCES.items() if traits.subject is Subject.ACCOUNT]
VERSIONED_SOURCES: Final = [source for source, traits in SOURCES.items() if traits.has_version]


class Server(Struct, frozen=True):
    """One `[[server]]` of servers.toml: a license server, a site or a cloud account."""

    name: str
    source: SourceName
    url: str = ""
    username: str = ""
    secret: str = ""  # a reference (`env:NAME`, …), never the secret itself
    auth: str = ""  # winrm only: negotiate · kerberos · ntlm · basic · certificate
    verify: bool | str = True  # True · False · a CA bundle's path · "sha256:<hex>"
    proxy: str = ""  # of HTTP requests; "" = that of [polling], or of the environment
    group: str = ""
    interval: float | None = None  # seconds; None = the source's own default
    enabled: bool = True
    site: str = ""  # cvad: name or id of the site
    overview_paths: tuple[str, ...] = ()  # cvad: API paths of LicenseOverview
    certificate: str = ""  # winrm with auth = "certificate": PEM file with certificate and key
    customer_id: str = ""  # citrix-cloud, partner, and cvad in Citrix Cloud
    trust_url: str = ""  # partner: issuer of the tokens
    experimental: bool = False  # citrix-cloud: also use undocumented APIs
    address: str = ""  # lmstat: PORT@HOST, several with commas
    lmutil: str = ""  # lmstat: the program's path
    command: tuple[str, ...] = ()  # command: program and arguments, no shell
    format: str = ""  # command: format of its output
    licenses_available: str = ""  # command: meaning of LicensesAvailable, total or free
    quantity_divisor: int = 1  # 2 if the server reports every license twice
    same_as: str = ""  # name of the server that this is a second data source for
    continues: str = ""  # code of an earlier product whose series the present one carries on
    entitlement: str = ""  # LAS: servers of one entitlement report the same licenses

    @property
    def effective_interval(self) -> float:
        """Seconds between two polls."""
        return self.interval or DEFAULT_INTERVAL[self.source]


class Failure(Struct, frozen=True):
    """Why a poll failed: what happened, in which step, and what to do about it."""

    kind: FailureKind
    message: str
    hint: str = ""
    step: Step | None = None

    @property
    def state(self) -> State:
        """The state of the server after this failure."""
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
    counts = [figure for figure in figures if figure is not None]
    return sum(counts) if counts else None


_ROUNDING: Final = 1e-9  # 0.9 - 0.2 is a little more than 0.7


class Reading(Struct, frozen=True):
    """The figures of a pool at one time; None is a figure that could not be read."""

    in_use: int | None = None
    installed: int | None = None  # without overdraft; None also means unlimited
    overdraft: int | None = None

    @property
    def total(self) -> int | None:
        """Installed and overdraft together; an unknown overdraft counts as 0."""
        return None if self.installed is None else self.installed + (self.overdraft or 0)

    @property
    def free(self) -> int | None:
        """Installed minus in use; negative when overdraft is used, never clamped."""
        if self.installed is None or self.in_use is None:
            return None
        return self.installed - self.in_use

    @property
    def ratio(self) -> float | None:
        """In use as a share of installed; None if unknown or if nothing is installed."""
        return None if self.in_use is None or not self.installed else self.in_use / self.installed

    def level(self, warn: float, critical: float, margin: float = 0.0) -> Level:
        """Return the highest level that applies, by two thresholds given as ratios.

        `margin` is a ratio, too, by which every threshold is lowered.
        """
        if self.in_use is None or self.installed is None:
            return Level.UNKNOWN
        if self.installed == 0:
            return Level.EXHAUSTED if self.in_use > 0 else Level.OK
        rounding = _ROUNDING if margin else 0
        in_use = self.in_use + (margin * self.installed + rounding if margin else 0)
        if in_use >= self.installed + (self.overdraft or 0):
            return Level.EXHAUSTED
        if in_use > self.installed + 2 * rounding:
            return Level.OVERDRAFT
        ratio = in_use / self.installed + rounding
        if ratio >= critical:
            return Level.CRITICAL
        return Level.WARN if ratio >= warn else Level.OK


class PoolKey(Struct, frozen=True, order=True):
    """Identity of a pool within its server."""

    product: str
    subscription_date: str = ""  # ISO date, "" if the source reports none


class Pool(Struct, frozen=True, omit_defaults=True):
    """The licenses of one product and subscription date, as the server reported them."""

    product: str  # the code as the server reports it
    name: str  # published name, else the code
    model: Model
    reading: Reading
    license_type: str = ""
    subscription_date: date | None = None
    expires: date | None = None  # the first day on which some of the licenses expire
    permanent: bool | None = None  # None: not reported
    partial_expiry: bool = False  # other licenses of the pool expire later or never
    reported_expiring: int | None = None  # how many expire on `expires` if not all do
    counted: bool = True  # start-up licenses are listed, never counted
    vendor: str = ""  # FlexNet only: the vendor daemon
    queued: int | None = None  # requests waiting for a license; None: not reported
    # As the server named them, and figure -> formula: ("installed", "Count - Overdraft").
    raw_fields: tuple[tuple[str, str], ...] = ()
    formulas: tuple[tuple[str, str], ...] = ()

    @property
    def license_end(self) -> date | None:
        """The first day on which licenses expire; None if permanent or unknown."""
        return None if self.permanent else self.expires

    @property
    def expiring_count(self) -> int | None:
        """How many licenses expire on `expires`; None if unknown."""
        return self.reported_expiring if self.partial_expiry else self.reading.installed

    @property
    def key(self) -> PoolKey:
        """Identity of this pool within its server."""
        return PoolKey(
            self.product, self.subscription_date.isoformat() if self.subscription_date else ""
        )


class Activation(Struct, frozen=True):
    """LAS activation, and its expiry date if reported."""

    status: ActivationStatus
    expires: date | None = None


class Certificate(Struct, frozen=True):
    """The TLS certificate of a server; a date that cannot be read is None."""

    sha256: str  # of the leaf, lower-case hex
    valid_from: date | None = None
    expires: date | None = None


class Notice(Struct, frozen=True):
    """A message of the license server itself: an alert, a grace period."""

    kind: str  # "grace" or "server", as the alert kinds
    level: Level  # ok (information) · warn · critical
    title: str
    detail: str = ""
    action: str = ""


class LicenseServer(Struct, frozen=True):
    """One license server in the list of Citrix Cloud's License Usage Insights."""

    host_id: str
    fqdn: str = ""
    status: ReportingStatus = ReportingStatus.NEVER_REPORTED
    last_reported: float | None = None  # UTC epoch seconds
    expires: date | None = None
    days_to_expire: int | None = None


class MonthlyUsage(Struct, frozen=True):
    """Usage of a pool in one past month as its source reports it."""

    key: PoolKey
    month_start: float  # UTC epoch seconds
    in_use: int | None  # assigned in total
    installed: int | None
    newly_assigned: int | None = None  # assigned in that month
    released: int | None = None


class Snapshot(Struct, frozen=True, omit_defaults=True):
    """The result of a successful poll."""

    pools: tuple[Pool, ...]
    reported_name: str = ""
    version: str = ""
    mode: Mode | None = None
    activation: Activation | None = None
    notices: tuple[Notice, ...] = ()
    license_server_host: str = ""  # the host of the pools, if reported
    license_servers: tuple[LicenseServer, ...] = ()  # partner only
    monthly_usage: tuple[MonthlyUsage, ...] = ()  # citrix-cloud only
    certificate: Certificate | None = None  # None: no TLS, or not by lictui itself
    next_expiry: date | None = None  # of licenses whose pool is not reported
    license_server_reachable: bool | None = None  # by its site; cvad only


class LicenseUser(Struct, frozen=True):
    """One user or device with a license; read on request only, never stored."""

    product: str
    user: str = ""  # "" for a license of a device
    device: str = ""  # the user's host, or the device itself
    since: float | None = None  # UTC epoch seconds
    count: int = 1
    assigned: bool = False  # to a user or device, used or not; else checked out
    subscription_date: date | None = None


class Reservation(Struct, frozen=True):
    """Licenses that FlexNet counts as in use because they are reserved; nobody uses them."""

    product: str
    count: int
    kind: str  # what they are reserved for: group, host, host_group, user
    name: str


class LicenseUserList(Struct, frozen=True):
    """Who has which licenses of one source, and which are reserved."""

    users: tuple[LicenseUser, ...]
    reservations: tuple[Reservation, ...] = ()


Steps = tuple[tuple[Step, float], ...]  # those that a source reports, and the seconds of each


class Poll(Struct, frozen=True):
    """One attempt to read one server, with its result."""

    server: str
    time: float  # UTC epoch seconds when the response was complete
    latency: float  # seconds
    result: Snapshot | Failure
    steps: Steps = ()


class Event(Struct, frozen=True):
    """One event in the journal."""

    time: float
    kind: EventKind
    server: str
    message: str
    product: str = ""
    level: Level = Level.OK


class JournalFilter(Struct, frozen=True):
    """A selection of journal events; an empty field selects everything."""

    servers: tuple[str, ...] = ()
    product: str = ""  # includes the events of its servers as a whole
    kinds: tuple[EventKind, ...] = ()


class StepResult(Struct, frozen=True):
    """Result of one step of a connection test."""

    step: Step
    ok: bool
    detail: str
    seconds: float
    hint: str = ""
    fingerprint: str = ""  # tls only: the leaf's SHA-256, lower-case hex
    host_names: tuple[str, ...] = ()  # parse only: host names the license server reports


# Alerts: their state from poll to poll, and acknowledgements


class AlertKey(Struct, frozen=True, order=True):
    """Identity of an alert."""

    server: str
    kind: AlertKind
    product: str = ""  # "" for the server as a whole
    detail: str = ""  # distinguishes several: the date of a pool, the title of a notice


class AlertState(Struct, frozen=True, omit_defaults=True):
    """State of one alert, from the first poll with its condition until it is cleared."""

    key: AlertKey
    level: Level
    message: str
    since: float | None = None  # time of the first poll with the condition
    ratio: float | None = None  # in use / installed, for kind usage only
    group: str = ""  # of the server
    change: AlertTransition | None = None  # what the next polls may make of it
    polls: int = 0  # consecutive polls that confirmed the change
    polls_required: int = 1  # consecutive polls that it needs
    raised_at: float | None = None  # time; None while pending
    notified_at: float | None = None  # time of the last notification
    last_poll: float | None = None  # time of the last poll that was counted
    acknowledgement: Acknowledgement | None = None  # for display: only one that is active

    @property
    def is_raised(self) -> bool:
        """Whether the condition lasted long enough."""
        return self.raised_at is not None

    @property
    def needs_attention(self) -> bool:
        """Whether it is raised and nobody has acknowledged it."""
        return self.is_raised and self.acknowledgement is None


class Acknowledgement(Struct, frozen=True):
    """Acknowledgement of an alert until it clears, or a snooze until a time."""

    by: str
    time: float
    until: float | None = None  # of a snooze; None: acknowledged

    def is_active(self, now: float) -> bool:
        """Whether it still silences the alert at `now`."""
        return self.until is None or now < self.until


class AlertEvent(Struct, frozen=True):
    """A transition of an alert; `alert` is its state after it, or before it was cleared."""

    transition: AlertTransition
    time: float
    alert: AlertState
    previous_level: Level = Level.OK  # of `worse` and `better`


_T = TypeVar("_T")
_TIMES: Final = (
    "time", "since", "until", "due", "polled_at", "last_success_at", "raised_at", "notified_at",
    "last_poll",
)  # fmt: skip


def moved(value: _T, seconds: float) -> _T:
    """Return a frozen value of the engine with all its times moved: a clock was set."""
    times = {
        name: time + seconds for name in _TIMES if (time := getattr(value, name, None)) is not None
    }
    changed: _T = replace(value, **times)  # type: ignore[type-var]
    return changed
