"""One product over some servers: what is known of it now, and what it is called.

Pure: a board in, figures and titles out. Must not know Textual, nor the past.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lictui.engine.board import answered, combined
from lictui.model import DEFAULT_INTERVAL, Model
from lictui.tui.ink import Tone
from lictui.tui.span import Length, moment
from lictui.tui.text import clean, shorten

if TYPE_CHECKING:
    from lictui.config.settings import Settings, Thresholds
    from lictui.engine.board import Board, ServerStatus
    from lictui.model import Level, Pool, PoolKey, Reading
    from lictui.tui.ink import Line
    from lictui.tui.screens.product_past import Asked
    from lictui.tui.symbols import Symbols

ASSIGNED: Final = (Model.USER_DEVICE, Model.NAMED_USER)
MODELS: Final = {
    Model.CONCURRENT: "concurrent",
    Model.USER_DEVICE: "user/device",
    Model.NAMED_USER: "named user",
    Model.SERVER: "per server",
    Model.ENABLER: "enabler",
    Model.OTHER: "other",
}


@dataclass(frozen=True, slots=True)
class Subject:
    """The product, and every pool of it on these servers as last read."""

    product: str
    servers: tuple[str, ...]
    pools: tuple[tuple[ServerStatus, Pool], ...]
    thresholds: Thresholds
    every: float  # seconds between two polls of the slowest of its servers

    @property
    def name(self) -> str:
        """The friendly name; the code when nothing was read yet."""
        return clean(self.pools[0][1].name) if self.pools else clean(self.product)

    @property
    def model(self) -> Model:
        """How it is counted."""
        return self.pools[0][1].model if self.pools else Model.OTHER

    @property
    def assigned(self) -> bool:
        """Whether its figures are assignments, not licenses checked out."""
        return self.model in ASSIGNED

    @property
    def live(self) -> tuple[Pool, ...]:
        """The pools whose figures are those of now."""
        return tuple(pool for status, pool in self.pools if answered(status, pool))

    @property
    def owners(self) -> tuple[str, ...]:
        """The registered servers whose history is the product's; of all where none is known."""
        owners = dict.fromkeys(status.owner(pool.key)[0] for status, pool in self.pools)
        holding = {status.server.name for status, _ in self.pools}
        return (*owners, *(name for name in self.servers if name not in holding | owners.keys()))

    @property
    def stand_ins(self) -> frozenset[tuple[str, PoolKey]]:
        """Pools that are recorded as well, and read what another one's history has already."""
        statuses = {status.server.name: status for status, _ in self.pools}.values()
        owned = {status.owner(pool.key) for status, pool in self.pools}
        return frozenset(
            (part.server.name, pool.key)
            for status in statuses
            for part in status.parts
            for pool in (part.snapshot.pools if part.snapshot else ())
            if (part.server.name, pool.key) not in owned
        )

    @property
    def reading(self) -> Reading:
        """The sum of what is known now."""
        return combined(list(self.live))

    @property
    def level(self) -> Level:
        """How full it is."""
        return self.reading.level(self.thresholds.warn, self.thresholds.critical)


def subject(board: Board, servers: tuple[str, ...], product: str, settings: Settings) -> Subject:
    """What the board says of this product on these servers."""
    statuses = list({it.server.name: it for name in servers if (it := board.of(name))}.values())
    pools = tuple(
        (status, pool)
        for status in statuses
        for pool in (status.snapshot.pools if status.snapshot else ())
        if pool.product == product
    )
    alone = statuses[0].server if len(statuses) == 1 else None
    return Subject(
        product,
        servers,
        pools,
        settings.alerts.of(
            group=alone.group if alone else "", server=alone.name if alone else "", product=product
        ),
        max(
            (
                it.server.interval or settings.interval or DEFAULT_INTERVAL[it.server.source]
                for it in statuses
            ),
            default=900.0,
        ),
    )


def title(about: Subject, width: int, symbols: Symbols) -> Line:
    """Whose chart this is, in at most so many columns."""
    dot = f" {symbols.dot} "
    count = len(about.servers)
    where = clean(about.servers[0]) if count == 1 else f"{count} servers"
    said = f"{dot}{MODELS[about.model]}{dot}{shorten(where, max(8, width // 4), symbols.ellipsis)}"
    code = f"{dot}{clean(about.product)}"
    if about.name != about.product and len(about.name + said + code) <= width:
        said += code
    name = shorten(about.name, max(8, width - len(said)), symbols.ellipsis)
    return ((name, Tone.STRONG), (said, Tone.QUIET))


def stretch(asked: Asked, about: Subject) -> Line:
    """Which time is shown, and what a bucket of it stands for."""
    span = asked.span
    year = span.length is Length.YEAR
    until = moment(asked.end - year, asked.zone, year=year) if span.back else "now"
    what = "last figure" if about.assigned else "peak"
    said = f"{span.length.name.lower()} to {until}, {what} of each {_width(asked.bucket)}"
    return ((said, Tone.QUIET),)


def week(asked: Asked) -> Line:
    """Which time is folded into a map of the week."""
    span = asked.span
    length = max(span.length, Length.WEEK, key=lambda length: length.value)
    until = moment(asked.end, asked.zone, year=length is Length.YEAR) if span.back else "now"
    return ((f"{length.name.lower()} to {until}, each hour of the week", Tone.QUIET),)


def _width(bucket: int) -> str:
    for unit, word in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if bucket % unit == 0:
            count = bucket // unit
            return word if count == 1 else f"{count} {word}s"
    return f"{bucket} seconds"
