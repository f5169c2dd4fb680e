"""What License Usage Insights minds, in a few notices however many license servers there are.

Owns the words, and how grave each is: as in the service's own front end, which shows a license
server that does not report as an error, and the rest as warnings or information. One that never
reported is a warning here, for no report of it was ever lost. Pure.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from lictui.model import Level, Notice, Reporting

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date

    from lictui.sources.partner.servers import Listed

_NAMED: Final = 10  # license servers in one notice; the others are counted
_SOON: Final = 30  # days before an end that deserve a warning
_AHEAD: Final = 90  # days before an end that deserve a word
_DAY: Final = 86400.0


def notices(listed: Sequence[Listed], now: float) -> tuple[Notice, ...]:
    """Everything there is to say, gravest first; `now` in UTC epoch seconds."""
    return (
        *_silent(listed, now),
        *_ended(listed),
        *_never(listed),
        *_ending(listed, now),
        *_unfit(listed),
        *_concurrent(listed),
    )


def _silent(listed: Sequence[Listed], now: float) -> Iterator[Notice]:
    silent = [each for each in listed if each.silent]
    silent.sort(key=lambda each: each.server.last_reported or 0.0)
    yield from _group(
        Level.CRITICAL,
        ("{} has not reported for more than 3 days", "{} have not reported for more than 3 days"),
        [f"{each.name} ({_since(each.server.last_reported, now)})" for each in silent],
        "See whether they run and reach Citrix Cloud.",
    )


def _since(last: float | None, now: float) -> str:
    if last is None:
        return "nobody knows since when"
    days = max(0, int((now - last) / _DAY))
    return f"{days} day{'' if days == 1 else 's'}, since {datetime.fromtimestamp(last, UTC).date()}"


def _ended(listed: Sequence[Listed]) -> Iterator[Notice]:
    yield from _group(
        Level.CRITICAL,
        ("{} has licenses that have expired", "{} have licenses that have expired"),
        [_dated(each) for each in listed if each.expired],
        "Renew the licenses, or take them out.",
    )


def _never(listed: Sequence[Listed]) -> Iterator[Notice]:
    yield from _group(
        Level.WARN,
        ("{} has never reported", "{} have never reported"),
        [each.name for each in listed if each.server.status is Reporting.NEVER_REPORTED],
        "Register them in Citrix Licensing Manager, and let them reach Citrix Cloud.",
    )


def _ending(listed: Sequence[Listed], now: float) -> Iterator[Notice]:
    today = datetime.fromtimestamp(now, UTC).date()
    left = [(days, each) for each in listed if (days := _left(each, today)) is not None]
    left.sort(key=lambda pair: pair[0])
    for level, first, last in ((Level.WARN, 0, _SOON), (Level.OK, _SOON + 1, _AHEAD)):
        yield from _group(
            level,
            (
                f"{{}} has licenses that expire within {last} days",
                f"{{}} have licenses that expire within {last} days",
            ),
            [_dated(each) for days, each in left if first <= days <= last],
            "Renew the licenses.",
        )


def _left(each: Listed, today: date) -> int | None:
    """Days until the licenses of a server end, as told or by the calendar; None if they have."""
    server = each.server
    days = server.days_to_expire
    if days is None and server.expires is not None:
        days = (server.expires - today).days
    return None if each.expired or days is None else max(0, days)


def _dated(each: Listed) -> str:
    return f"{each.name} ({each.server.expires})" if each.server.expires else each.name


def _unfit(listed: Sequence[Listed]) -> Iterator[Notice]:
    yield from _group(
        Level.WARN,
        ("{} is not known in Citrix's back office", "{} are not known in Citrix's back office"),
        [each.name for each in listed if each.unknown],
        "See whether their licenses are allocated to this partner.",
    )
    yield from _group(
        Level.WARN,
        (
            "{} has a license that is not for service providers",
            "{} have licenses that are not for service providers",
        ),
        [each.name for each in listed if each.foreign],
        "License Usage Insights is about licenses for service providers alone.",
    )


def _concurrent(listed: Sequence[Listed]) -> Iterator[Notice]:
    using = [each for each in listed if each.concurrent is not None]
    counts: Counter[str] = Counter()
    for each in using:
        counts.update(dict(each.concurrent or ()))
    features = [f"{code} {count:,} in use" for code, count in counts.most_common()]
    for notice in _group(
        Level.WARN,
        ("{} has concurrent licenses", "{} have concurrent licenses"),
        [each.name for each in using],
        "License Usage Insights warns of them beside licenses for users.",
    ):
        yield Notice(
            notice.kind,
            notice.level,
            notice.title,
            f"{_joined(features) or 'how many in use is not told'}, on {notice.detail}",
            notice.action,
        )


def _group(
    level: Level, titles: tuple[str, str], said: Sequence[str], action: str
) -> Iterator[Notice]:
    """One notice about all of `said`, or none; `titles` are for one and for many."""
    if said:
        one = len(said) == 1
        subject = "A license server" if one else f"{len(said):,} license servers"
        yield Notice("server", level, titles[not one].format(subject), _joined(said), action)


def _joined(said: Iterable[str]) -> str:
    every = list(said)
    more = len(every) - _NAMED
    return ", ".join(every[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")
