"""How much was needed for how long, beside the chart: peak, percentiles, time above thresholds.

Pure: the figures of one stretch in, words out. Must not know how they were counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lictui.tui.ink import Tone
from lictui.tui.span import moment
from lictui.tui.text import coarse_age, figure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

    from lictui.analysis.usage import Spread
    from lictui.tui.ink import Run


def peak(
    found: Spread, zone: ZoneInfo | None, *, bound: bool = False
) -> Iterator[tuple[str, list[Run]]]:
    """The highest of all, when it was, and what was free of what was installed then.

    Where it is but a `bound` it is said to be one.
    """
    most = round(found.peak)
    then = found.installed_then
    least = "at least " if bound else ""
    free = "" if then is None else f"  {least}{then - most:,} free of {figure(then)}"
    said = f"  {moment(found.peak_at, zone)}{free}"
    at_most = [("at most ", Tone.TEXT)] if bound else []
    yield "peak", [*at_most, (f"{most:,}", Tone.STRONG), (said, Tone.TEXT)]


def needed(found: Spread, *, coarse: bool) -> Iterator[tuple[str, list[Run]]]:
    """How many licenses would have covered how much of the time.

    Of `coarse` buckets only the top is told: by their peaks, whole days say nothing of a half.
    """
    half = "" if coarse else f", {found.p50:,.0f} for half"
    yield (
        "needed",
        [
            (f"{found.p95:,.0f}", Tone.STRONG),
            (" to cover 95 % of the time, ", Tone.TEXT),
            (f"{found.p99:,.0f}", Tone.STRONG),
            (f" for 99 %{half}", Tone.TEXT),
        ],
    )


def above(found: Spread, zone: ZoneInfo | None, *, coarse: bool) -> Iterator[tuple[str, list[Run]]]:
    """How long shares of what is installed were reached, and for how long without a break.

    Where only `coarse` buckets are kept, a day counts whole: no longer than that, then.
    """
    reached = [(share, seconds) for share, seconds in found.above if seconds]
    if not reached:
        lowest = min(share for share, _ in found.above)
        yield "above", [(f"never at {lowest * 100:.0f} % of installed", Tone.QUIET)]
        return
    most = "up to " if coarse else ""
    each = (f"{share * 100:.0f} % for {most}{coarse_age(secs)}" for share, secs in reached)
    said = ", ".join(each)
    yield "above", [(said, Tone.WARN)]
    if found.saturated is not None:
        stretch = found.saturated
        said = f"for {coarse_age(stretch.seconds)} at most, from {moment(stretch.start, zone)}"
        yield "full", [(said, Tone.CRITICAL)]
