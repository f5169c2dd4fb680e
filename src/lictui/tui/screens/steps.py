"""The steps of a test as lines: what each found, how long it took, what to do after a failure.

Owns that drawing. Pure: must not know Textual, nor how a server is tested.
"""

from __future__ import annotations

from itertools import zip_longest
from textwrap import wrap
from typing import TYPE_CHECKING, Final

from lictui.model import Step
from lictui.tui.ink import Tone
from lictui.tui.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lictui.model import Finding
    from lictui.tui.ink import Line
    from lictui.tui.symbols import Symbols

_ORDER: Final = tuple(Step)
_NAME: Final = max(len(step) for step in Step)
_TIME: Final = 9
_INDENT: Final = 2 + _NAME + _TIME + 2
_ROOM: Final = 20  # columns of detail below which it goes under its step


def lines(
    findings: Sequence[Finding], width: int, symbols: Symbols, *, running: bool = False
) -> Iterator[Line]:
    """A line a step, more where there is more to say, none wider than `width`."""
    for finding in findings:
        yield from _of(finding, width, symbols)
    done = len(findings)
    if running and done < len(_ORDER):
        yield ((f"{symbols.waits} {_ORDER[done]}", Tone.QUIET),)


def _of(finding: Finding, width: int, symbols: Symbols) -> Iterator[Line]:
    glyph, tone = (symbols.passed, Tone.OK) if finding.ok else (symbols.failed, Tone.CRITICAL)
    head = (
        (f"{glyph} ", tone),
        (f"{finding.step:<{_NAME}}", Tone.STRONG),
        (f"{_time(finding.seconds):>{_TIME}}  ", Tone.QUIET),
    )
    indent = _INDENT if width - _INDENT >= _ROOM else 2
    detail = wrap(clean(finding.detail), max(1, width - indent)) or [""]
    said = Tone.TEXT if finding.ok else Tone.CRITICAL
    if indent == _INDENT:
        yield (*head, (detail.pop(0), said))
    else:
        yield head
    yield from (((" " * indent + part, said),) for part in detail)
    if finding.fingerprint not in finding.detail.lower().replace(":", ""):
        pin = wrap(f"sha256:{finding.fingerprint}", max(1, width - indent))
        yield from (((" " * indent + part, Tone.ACCENT),) for part in pin)
    hint = wrap(clean(finding.hint), max(1, width - indent - len(symbols.arrow) - 1))
    for arrow, part in zip_longest([symbols.arrow], hint, fillvalue=" " * len(symbols.arrow)):
        if hint:
            yield ((" " * indent + f"{arrow} {part}", Tone.ACCENT),)


def _time(seconds: float) -> str:
    return f"{seconds * 1000:,.0f} ms"
