"""Every key of config.toml once: what it may be, where Settings keeps it, what it is for.

Owns the table that reading, `config init`, `config show` and the suggestions are made from. Must
not know how a file is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Final

from lictui.config import values

if TYPE_CHECKING:
    from lictui.config.settings import Settings
    from lictui.config.values import Kind


@dataclass(frozen=True, slots=True)
class Key:
    """One key of config.toml."""

    name: str  # dotted, as the file spells it
    field: str  # dotted, as Settings spells it
    kind: Kind
    says: str  # one line for who reads the file
    example: object = None  # shown where there is no default

    @property
    def table(self) -> str:
        """The table it stands in, "" for the top."""
        return self.name.rpartition(".")[0]

    def of(self, settings: Settings) -> object:
        """The value that `settings` has for this key."""
        return reduce(getattr, self.field.split("."), settings)


_DAYS: Final = values.number(1, 36500, whole=True)
_POLLS: Final = values.number(1, 1000, whole=True)

KEYS: Final = (
    Key("theme", "theme", values.name, "Colours; T in the monitor goes through them."),
    Key("ascii", "ascii", values.flag, "Draw with 7-bit characters alone."),
    Key("read_only", "read_only", values.flag, "Look, but do not touch the registry."),
    Key(
        "timezone",
        "timezone",
        values.zone,
        'Where days and months begin, as "Europe/Berlin"; "" is the system\'s.',
    ),
    Key(
        "polling.interval",
        "interval",
        values.number(1, 7 * 86400),
        "Seconds between two polls; unset: 60 (cvad), 3600 (partner), 900 (the other sources).",
        example=900,
    ),
    Key("polling.timeout", "limits.timeout", values.number(1, 3600), "Seconds for one whole poll."),
    Key(
        "polling.connect_timeout",
        "limits.connect_timeout",
        values.number(0.1, 600),
        "Seconds until there is a connection, TLS included.",
    ),
    Key(
        "polling.max_reply",
        "limits.max_reply",
        values.number(1024, 1024**3, whole=True),
        "Bytes that one reply may have.",
    ),
    Key(
        "polling.concurrency",
        "limits.concurrency",
        values.number(1, 1024, whole=True),
        "Servers polled at the same moment.",
    ),
    Key(
        "polling.max_backoff",
        "limits.max_backoff",
        values.number(0, 86400),
        "Seconds that a failing server is left alone at most, beyond its interval.",
    ),
    Key(
        "alerts.warn",
        "alerts.default.warn",
        values.ratio,
        "In use / installed from which on it warns,",
    ),
    Key(
        "alerts.critical",
        "alerts.default.critical",
        values.ratio,
        "and from which on it is critical.",
    ),
    Key("alerts.for", "alerts.default.for_polls", _POLLS, "Polls in a row before a word is said."),
    Key(
        "alerts.clear_margin",
        "alerts.default.clear_margin",
        values.ratio,
        "How far below a threshold the ratio must fall to be fine again,",
    ),
    Key("alerts.clear_for", "alerts.default.clear_for", _POLLS, "and for how many polls in a row."),
    Key(
        "alerts.repeat",
        "alerts.default.repeat",
        values.duration,
        "An alert that lasts is said again after this long.",
    ),
    Key(
        "alerts.expiry_warn",
        "alerts.default.expiry_warn",
        _DAYS,
        "Days before licenses expire that warn,",
    ),
    Key("alerts.expiry_critical", "alerts.default.expiry_critical", _DAYS, "and are critical."),
    Key(
        "alerts.las_warn",
        "alerts.default.las_warn",
        _DAYS,
        "Days before a LAS activation ends that warn,",
    ),
    Key("alerts.las_critical", "alerts.default.las_critical", _DAYS, "and are critical."),
    Key(
        "alerts.certificate_warn",
        "alerts.default.certificate_warn",
        _DAYS,
        "Days before a server's TLS certificate ends that warn,",
    ),
    Key(
        "alerts.certificate_critical",
        "alerts.default.certificate_critical",
        _DAYS,
        "and are critical.",
    ),
    Key(
        "alerts.unusual",
        "alerts.default.unusual",
        values.flag,
        "Say when use is not what the same weekday brought in the last weeks.",
    ),
    Key(
        "history.path",
        "retention.path",
        values.name,
        "The history's file; unset: history.db in the data folder.",
        example="/var/lib/lictui/history.db",
    ),
    Key("history.keep_raw", "retention.raw", _DAYS, "Days that every reading is kept,"),
    Key("history.keep_5m", "retention.five_minutes", _DAYS, "that 5-minute figures are,"),
    Key("history.keep_hour", "retention.hour", _DAYS, "that hourly figures are,"),
    Key("history.keep_day", "retention.day", _DAYS, "that daily figures are,"),
    Key("history.keep_journal", "retention.journal", _DAYS, "and that lines of the journal are."),
    Key(
        "holders.idle_days",
        "idle_days",
        _DAYS,
        "Days after which a user/device license that is held is marked as idle.",
    ),
    Key(
        "privacy.users",
        "users",
        values.choice("hide", "hash", "show"),
        "Names of license holders: hide · hash · show.",
    ),
)

BY_NAME: Final = {key.name: key for key in KEYS}
THRESHOLDS: Final = {key.name.removeprefix("alerts."): key for key in KEYS if key.table == "alerts"}
SCOPES: Final = ("group", "server", "product")  # of `[alerts.<scope>.<name>]`
TABLES: Final = (*dict.fromkeys(key.table for key in KEYS if key.table), "keymap", "actions")


def suggest(name: str) -> str:
    """A hint for a key that does not exist: the same one in another table, or a close one."""
    last = name.rpartition(".")[2]
    elsewhere = [key.name for key in KEYS if key.name.rpartition(".")[2] == last]
    if elsewhere:
        return f"did you mean {elsewhere[0]}?"
    scopes = (f"alerts.{scope}" for scope in SCOPES)
    return values.nearest(name, (*BY_NAME, *TABLES, *scopes))
