"""What the past says of one product and model in one scope, for who looks at its figures of now.

Owns that bundle. Pure: must not know who found it. Times are UTC epoch seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lictui.insights.forecast import Forecast
    from lictui.insights.peaks import Found
    from lictui.model import Model

Key = tuple[str, str, "Model"]  # group, server, or "" for all of them; product; model


@dataclass(frozen=True, slots=True)
class Month:
    """What became of assignments since the month began; None where nobody can tell."""

    began: int | None = None  # assigned when it began
    newly: int | None = None  # as the source itself tells
    released: int | None = None


@dataclass(frozen=True, slots=True)
class Retrospect:
    """Peaks by window, the month of assignments, and where it leads."""

    day: Found | None = None
    month: Found | None = None
    ever: Found | None = None
    assigned: Month | None = None  # None: licenses of this model are not assigned
    ahead: Forecast | None = None
