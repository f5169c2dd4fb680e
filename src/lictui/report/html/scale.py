"""From figures to places: an axis from zero with round numbers on it. Pure.

Owns the choice of the ticks. Must not know SVG.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log10
from typing import Final

_STEPS: Final = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True, slots=True)
class Scale:
    """`top` is at `high` (a smaller y), zero is at `low`."""

    top: float
    step: float
    high: float
    low: float

    def y(self, value: float) -> float:
        """Where `value` is."""
        return round(self.low - (self.low - self.high) * value / self.top, 1)

    @property
    def ticks(self) -> tuple[float, ...]:
        """The round numbers, from zero up."""
        return tuple(self.step * at for at in range(round(self.top / self.step) + 1))


def scale(most: float, high: float, low: float, ticks: int = 4) -> Scale:
    """An axis that holds `most`, with about so many steps, none of them below one license."""
    raw = max(most, 1) / ticks
    power = 10.0 ** int(log10(raw) if raw >= 1 else 0)
    step = next(each * power for each in _STEPS if each * power >= raw)
    step = max(1.0, step if power > 1 else ceil(step))
    return Scale(step * ceil(max(most, 1) / step), step, high, low)
