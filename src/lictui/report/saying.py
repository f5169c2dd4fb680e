"""Figures and dates as people read them, the same in every format.

Owns how a number, a share, a moment and a level are said. Pure. Must not know sentences.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from lictui.model import Level, Model
from lictui.products import describe

if TYPE_CHECKING:
    from datetime import date, tzinfo

    from lictui.analysis.usage import Stretch
    from lictui.report.values import Assigned, Monthly, Product, Report

UNKNOWN: Final = "?"
NONE: Final = "\N{EN DASH}"
LEVELS: Final = {
    Level.OK: "fine",
    Level.WARN: "getting tight",
    Level.CRITICAL: "tight",
    Level.OVERDRAFT: "into overdraft",
    Level.EXHAUSTED: "used up",
    Level.UNKNOWN: "cannot tell",
}
MODELS: Final = {
    Model.CONCURRENT: "concurrent",
    Model.USER_DEVICE: "user/device",
    Model.NAMED_USER: "named user",
    Model.SERVER: "per server",
    Model.ENABLER: "enabler",
    Model.OTHER: "other",
}
_PERCENT: Final = "\N{NO-BREAK SPACE}%"
_WIDTHS: Final = {300: "5 minutes", 3600: "the hour", 86400: "the day"}
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)  # not strftime's, which would follow a locale


def count(value: float | None) -> str:
    """`1,234`, or `?` for what is not known."""
    return UNKNOWN if value is None else f"{value:,.0f}"


def figure(month: Monthly) -> str:
    """A month's figure; an upper bound with `≤`."""
    return f"≤ {count(month.figure)}" if month.at_most else count(month.figure)


def percent(share: float | None, digits: int = 0) -> str:
    """`93 %`; what is not all is never rounded to 100 %, nor what is something to 0 %."""
    if share is None:
        return UNKNOWN
    shown = round(share * 100, digits)
    step = 10.0**-digits
    if share < 1 and shown >= 100:  # noqa: PLR2004 - per cent
        shown = 100 - step
    elif share > 0 and shown == 0:
        return f"< {step:.{digits}f}{_PERCENT}"
    return f"{shown:.{digits}f}{_PERCENT}"


def change(now: Monthly, then: Monthly) -> str:
    """`+12`, `-3` or `±0`; nothing where a figure is missing or only a bound."""
    if now.figure is None or then.figure is None or now.at_most or then.at_most:
        return NONE
    by = now.figure - then.figure
    return f"{by:+,}".replace("-", "\N{MINUS SIGN}") if by else "±0"


def long_day(when: date) -> str:
    """`14 December 2026`."""
    return f"{when.day} {_MONTHS[when.month - 1]} {when.year}"


def short_day(when: date) -> str:
    """`14 Dec 2026`."""
    return f"{when.day} {month_name(when)} {when.year}"


def month_name(when: date) -> str:
    """`Dec`."""
    return _MONTHS[when.month - 1][:3]


def month(when: date) -> str:
    """`December 2026`."""
    return f"{_MONTHS[when.month - 1]} {when.year}"


def local(at: float, zone: tzinfo | None) -> datetime:
    """A moment where the user is."""
    return datetime.fromtimestamp(at, UTC).astimezone(zone)


def moment(at: float | None, zone: tzinfo | None) -> str:
    """`Tue 13 Oct, 10:35`."""
    if at is None:
        return NONE
    when = local(at, zone)
    return f"{_DAYS[when.weekday()]} {when.day} {month_name(when)}, {when:%H:%M}"


def length(seconds: int) -> str:
    """`45 min`, `3 h 20 min`, `2 d 4 h`."""
    minutes = round(seconds / 60)
    if minutes < 60:  # noqa: PLR2004 - an hour
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:  # noqa: PLR2004 - a day
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def width(seconds: int) -> str:
    """By what sums are aligned: `5 minutes`, `the hour`, `the day`."""
    return _WIDTHS.get(seconds, length(seconds))


def stretch(found: Stretch | None, zone: tzinfo | None) -> str:
    """`3 h 20 min from Tue 13 Oct, 9:10`, or that there was none."""
    if found is None:
        return "never"
    return f"{length(found.seconds)} from {moment(found.start, zone)}"


def at_least(value: int | None, moves: Assigned) -> str:
    """What came or went: told, or from readings, between which some may be missed."""
    if value is None:
        return UNKNOWN
    return count(value) if moves.told else f"≥ {count(value)}"


def money(value: float | None, currency: str) -> str:
    """`12,000 EUR`."""
    return UNKNOWN if value is None else f"{value:,.0f} {currency}".rstrip()


def kind(product: Product) -> str:
    """How it is counted."""
    return MODELS[product.model]


def called(code: str, told: str) -> str:
    """A product's published name; what a server calls it where nobody has published one."""
    name = describe(code).name
    return told if name == code else name


def needed(product: Product) -> str:
    """What its figure is called: a peak, or what was assigned."""
    return "Assigned at the end" if product.assigned else "Peak"


def title(report: Report) -> str:
    """The headline."""
    whose = f", {', '.join(report.groups)}" if report.groups else ""
    return f"Citrix licenses in {month(report.month.first)}{whose}"


def covers(report: Report) -> str:
    """`20 of 21 servers; 95.2 % of the time recorded`."""
    many = len(report.servers)
    servers = "server" if many == 1 else "servers"
    share = percent(report.coverage, 1)
    return f"{report.reporting} of {many} {servers} reported; {share} of the time is on record"


def subtitle(report: Report) -> str:
    """Of when this is, and of how much."""
    so_far = "" if report.month.over else f"So far, to {moment(report.month.end, report.zone)}. "
    made = f"Days in {report.zone_name}. As of {long_day(report.today)}."
    return f"{so_far}{covers(report)}. {made}"
