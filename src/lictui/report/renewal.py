"""The renewal pack as a tree of sections: position, proposed quantities, costs and evidence."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from lictui import __version__
from lictui.analysis.series import day_of
from lictui.engine.entitlements import format_money
from lictui.engine.renewal import Basis, break_evens
from lictui.model import Level
from lictui.report import text
from lictui.report.model import PeriodFigure, zone_name
from lictui.report.sections import BarChart, ReportTree, Section, Table, columns
from lictui.report.summary import KeyFigure, Statement
from lictui.report.text import AT_LEAST, AT_MOST, Bounded, Cell, Row, cells

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from lictui.engine.board import MergedBoard
    from lictui.engine.renewal import Position, RenewalQuery

INCREASES: Final = (0, 50, 100, 200)  # of the price, in percent
_BASES: Final = dict(zip(Basis, ("95th percentile", "99th percentile", "peak"), strict=True))
_ENTER: Final = "product, purchased, cost and currency in a [[product]] of contract.toml"
_LITTLE: Final = 0.95  # coverage below that is pointed out
_POSITION_KEYS: Final = (
    "product code model purchased installed in_use usage usage_at unused unused_cost renewal"
)
_BASIS_KEYS: Final = (
    "product code model purchased p95 p99 p95_more p99_more peak_more proposed change"
)
_COST_KEYS: Final = "product code model basis quantity unit_cost cost_0 cost_50 cost_100 cost_200"
_BREAK_EVEN_KEYS: Final = (
    "product assigned assigned_cost concurrent concurrent_cost users_per_license at_same_time users"
)
_UNUSED_NOTE: Final = (
    "Unused: purchased, but not used at any time in the period; of the installed licenses where the"
    " purchased quantity is unknown. Purchased quantities and prices are those of contract.toml."
)
_PROPOSAL_NOTE: Final = (
    "Percentile: so many licenses were enough for 95 or 99 % of the time. User/device licenses stay"
    " assigned: for them, only the highest number assigned counts. Headroom is rounded up."
)
_COST_NOTE: Final = "Costs are per year; the increases apply to the average price of contract.toml."
_BREAK_EVEN_NOTE: Final = (
    "A license count does not show how many people share a concurrent license, or how many of the"
    " assigned users work at the same time: compare these numbers with your user directory."
)
_EVIDENCE_NOTE: Final = (
    "Coverage: share of the time since the first figure for which every server has data; a failed"
    f" poll is missing data, never zero. {AT_MOST} marks an upper bound: a part is stored as hourly"
    " or daily maxima only. ? means unknown."
)


def build_renewal(
    positions: Sequence[Position], board: MergedBoard, query: RenewalQuery, group: str = ""
) -> ReportTree:
    """Return the sections of a renewal pack."""
    today = text.long_day(day_of(query.now, query.zone))
    plus = f"+ {text.format_threshold(query.headroom)}"
    more = {f"{basis}_more": f"{title} {plus}".capitalize() for basis, title in _BASES.items()}
    titles = {"usage": "Peak usage or assigned", "change": "vs. purchased", **more}
    rows = [_quantity_row(position, query) for position in positions]
    statements, figures = [*_statements(positions, query)], [*_key_figures(positions, query, plus)]
    start, zone = text.long_day(day_of(query.start, query.zone)), zone_name(query.zone, query.start)
    return ReportTree(
        f"Citrix license renewal, {today}{f', {group}' if group else ''}",
        f"Usage from {start} to {today}, time zone {zone}. Proposed quantity:"
        f" {_BASES[query.basis]} {plus}. Created by lictui {__version__}.",
        day_of(query.now, query.zone),
        query.zone,
        Section("Summary", statements=statements, key_figures=figures),
        [
            _section("Position", "position", _POSITION_KEYS, rows, _UNUSED_NOTE, **titles),
            _section("Proposed quantity", "proposal", _BASIS_KEYS, rows, _PROPOSAL_NOTE, **titles),
            _costs(positions, query),
            _break_even(positions),
            *(_curve(p, query) for p in positions if p.curve and not p.model.is_assigned),
        ],
        [_evidence(positions), _sources(board)],
    )


def _section(
    title: str, key: str, keys: str, rows: Sequence[Row], *notes: str, **titles: str
) -> Section:
    tables = (Table(key, columns(keys, **titles), rows),) if rows else ()
    return Section(title, tables=tables, notes=notes)


def _usage(position: Position, basis: Basis = Basis.PEAK) -> Bounded:
    usage, is_bound = position.usage(basis)
    return Bounded(None if usage is None else round(usage), AT_MOST * is_bound)


def _proposed(position: Position, query: RenewalQuery, basis: Basis | None = None) -> Bounded:
    quantity, is_bound = position.proposed(basis or query.basis, query.headroom)
    return Bounded(quantity, AT_MOST * is_bound)


def _key_figures(
    positions: Sequence[Position], query: RenewalQuery, plus: str
) -> Iterator[KeyFigure]:
    priced = [p for p in positions if p.unit_cost is not None]

    def proposed(position: Position) -> Bounded:
        return _proposed(position, query)

    now = f"{len(priced)} of {len(positions)} products have a price"
    yield _money("Cost per year now", priced, lambda p: Bounded(p.purchased), now)
    remark = f"{_BASES[query.basis]} {plus}, per year"
    yield _money("Cost of the proposal", priced, proposed, remark)
    yield _money("Proposal at twice the price", priced, proposed, "price + 100 %", 2)
    yield _money("Unused licenses", priced, _unused, "per year, at the price now")
    renewals = sorted((p.renewal, p.name) for p in positions if p.renewal)
    day, name = renewals[0] if renewals else (None, "enter renewal in contract.toml")
    yield KeyFigure("Next renewal", text.short_day(day) if day else text.UNKNOWN, name)


def _unused(position: Position) -> Bounded:
    return Bounded(position.unused, AT_LEAST * position.usage()[1])


def _money(
    label: str,
    positions: Sequence[Position],
    quantity_of: Callable[[Position], Bounded],
    remark: str,
    factor: int = 1,
) -> KeyFigure:
    """Return the sum of costs in each currency; unknown quantities are left out."""
    sums: dict[str, float] = defaultdict(float)
    signs: dict[str, str] = defaultdict(str)
    for position in positions:
        quantity = quantity_of(position)
        if quantity.value is not None:
            sums[position.currency] += (position.cost(quantity.value) or 0) * factor
            signs[position.currency] = quantity.shown_sign or signs[position.currency]
    amounts = [Bounded(n, signs[c]).mark(format_money(n, c)) for c, n in sums.items()]
    return KeyFigure(label, " + ".join(amounts) or text.UNKNOWN, remark)


def _statements(positions: Sequence[Position], query: RenewalQuery) -> Iterator[Statement]:
    for p in positions:
        if p.shortfall:
            sentence = f"{p.name} ({p.product}): {_usage(p)} {p.model.verb}, {p.shortfall:,} more"
            yield Statement(Level.CRITICAL, "overused", f"{sentence} than purchased.")
    for p in positions:
        proposed = _proposed(p, query)
        if p.purchased is not None and proposed.value is not None:
            change = text.format_change(round(proposed.value) - p.purchased)
            sentence = f"{p.name} ({p.product}): {proposed} instead of {p.purchased:,} ({change})."
            yield Statement(Level.OK, "proposal", sentence)
    unpriced = [p.product for p in positions if p.purchased and p.unit_cost is None]
    for sentence, codes in (
        (f"purchased quantity unknown: enter {_ENTER}.", _codes(positions, "purchased")),
        ("price unknown: enter cost, and one currency for all, in contract.toml.", unpriced),
        ("no usage is recorded.", _codes(positions, "stats")),
    ):
        if codes:
            yield Statement(Level.UNKNOWN, "unknown", f"{', '.join(codes)}: {sentence}")
    if gaps := [p.product for p in positions if p.stats and p.coverage < _LITTLE]:
        share = text.format_threshold(_LITTLE)
        sentence = f"{', '.join(gaps)}: less than {share} of the time has data, see Evidence."
        yield Statement(Level.WARN, "coverage", sentence)


def _codes(positions: Sequence[Position], unknown: str) -> list[str]:
    return [p.product for p in positions if getattr(p, unknown) is None]


def _subject(position: Position) -> dict[str, Cell]:
    return cells(position, "product=name code=product model=model.label unit_cost currency")


def _quantity_row(position: Position, query: RenewalQuery) -> Row:
    stats, proposed, unused = position.stats, _proposed(position, query), _unused(position)
    change, is_assigned = None, position.model.is_assigned
    if proposed.value is not None and position.purchased is not None:
        change = proposed.value - position.purchased
    row: dict[str, Cell] = {
        **_subject(position),
        **cells(position, "purchased installed in_use renewal"),
        "usage": _usage(position),
        "usage_at": stats.peak_at if stats and not is_assigned else None,
        "unused": unused,
        "unused_cost": Bounded(position.cost(unused.value), unused.sign),
        "proposed": proposed,
        "change": Bounded(change, proposed.sign),
    }
    for basis in Basis:
        row[f"{basis}_more"] = _proposed(position, query, basis)
        row[basis] = text.NONE if is_assigned else _usage(position, basis)
    return row


def _costs(positions: Sequence[Position], query: RenewalQuery) -> Section:
    rows: list[Row] = []
    for position in positions:
        proposed, purchased = _proposed(position, query), Bounded(position.purchased)
        for basis, quantity in (("purchased", purchased), ("proposed", proposed)):
            cost = position.cost(quantity.value)
            if cost is not None:
                rows.append(
                    {**_subject(position), "basis": basis, "quantity": quantity}
                    | {f"cost_{n}": Bounded(cost * (1 + n / 100), quantity.sign) for n in INCREASES}
                )
    note = _COST_NOTE if rows else f"No price is known: enter {_ENTER}."
    return _section("Cost at a higher price", "costs", _COST_KEYS, rows, note)


def _break_even(positions: Sequence[Position]) -> Section:
    rows: list[Row] = []
    for assigned, concurrent in break_evens(positions):
        users = (concurrent.unit_cost or 0) / (assigned.unit_cost or 1)
        most, peak = _usage(assigned), _usage(concurrent)
        row: Row = {
            **_subject(assigned),
            "assigned": most,
            "assigned_cost": assigned.unit_cost,
            "concurrent": peak,
            "concurrent_cost": concurrent.unit_cost,
            "users_per_license": f"{users:.2f}",
            "at_same_time": Bounded(None if most.value is None else most.value / users, most.sign),
            "users": Bounded(None if peak.value is None else peak.value * users, peak.sign),
        }
        rows.append(row)
    unknown = f"No product has a price in both license models: enter {_ENTER}, for both."
    title, note = "Break-even of user/device and concurrent licenses", _BREAK_EVEN_NOTE
    return _section(title, "break_even", _BREAK_EVEN_KEYS, rows, note if rows else unknown)


def _curve(position: Position, query: RenewalQuery) -> Section:
    """Return the time at or above each quantity, as a chart and as rows."""
    total = max(1, position.stats.seconds if position.stats else 1)
    sign = AT_MOST * bool(position.stats and position.stats.bound)
    shares = [(quantity, seconds, seconds / total) for quantity, seconds in position.curve]
    rows: list[Row] = [
        {**_subject(position), "quantity": n, "hours": Bounded(s, sign), "share": Bounded(r, sign)}
        for n, s, r in shares
    ]
    figures = (
        ("Purchased", Bounded(position.purchased)),
        ("Proposed", _proposed(position, query)),
        ("Peak", _usage(position)),
        ("95th / 99th percentile", " / ".join(str(_usage(position, b)) for b in [*Basis][:2])),
    )
    points = f"{', '.join(f'{n:,}: {text.format_percent(r, 1)}' for n, _, r in shares)}."
    day = day_of(query.now, query.zone)
    chart = BarChart(
        f"{position.name}: time at or above each quantity",
        points,
        "Percent of the time (bars) at or above each number of licenses in use (below).",
        [PeriodFigure(day, round(100 * share)) for _, _, share in shares],
        [text.format_count(quantity) for quantity, _, _ in shares],
    )
    return Section(
        position.name,
        f"{position.product}, {position.model.label}",
        key_figures=[KeyFigure(label, str(figure)) for label, figure in figures],
        charts=(chart,),
        data=(Table("curve", columns("product code model quantity hours share"), rows),),
    )


def _evidence(positions: Sequence[Position]) -> Section:
    rows: list[Row] = [
        {
            **_subject(position),
            "since": position.stats.start if position.stats else None,
            "days": position.stats.seconds / 86400 if position.stats else None,
            "coverage": position.coverage,
            "servers": ", ".join(position.servers),
        }
        for position in positions
    ]
    keys = "product code model since days coverage servers"
    return _section("Evidence", "evidence", keys, rows, _EVIDENCE_NOTE)


def _sources(board: MergedBoard) -> Section:
    rows: list[Row] = [
        {
            **cells(member, "server=server.name group=server.group source=server.source.value"),
            **cells(member, "last_read=last_success_at status=state.value"),
            "version": member.snapshot.version if member.snapshot else None,
        }
        for status in board.servers
        for member in status.members or (status,)
    ]
    return _section("Sources", "sources", "server group source version last_read status", rows)
