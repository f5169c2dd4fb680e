"""What `ConvertTo-Json` printed: the objects in it, whatever stands before and around them.

Owns the habits of PowerShell. Pure: must not know which properties an object has.
"""

from __future__ import annotations

import json
import re
from itertools import islice
from typing import TYPE_CHECKING, Final

from lictui.model import FailureKind, Step
from lictui.sources.clean import text
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

Object = dict[str, object]  # property, in lower case -> value

MOST: Final = 5000  # objects in one answer; no license server has as many pools
_DIGITS: Final = 18  # of the longest integer that is read as one
_CLIXML: Final = "#< CLIXML"
_CLIXML_END: Final = "</Objs>"
# Where a document begins. Warnings before it hold brackets too, so just `[` is not enough.
_BEGINS: Final = re.compile(
    r"^[ \t]*(?=\[\s{0,100}(?:\]|null)|\{\s{0,100}\})|(?=\[\s{0,100}[\[{])|(?=\{\s{0,100}\")",
    re.MULTILINE,
)


def _bounded(digits: str) -> int | None:
    return int(digits) if len(digits) <= _DIGITS else None


_DECODER: Final = json.JSONDecoder(parse_int=_bounded, parse_constant=lambda _: None)


def objects(said: str, where: str) -> list[Object]:
    """Every object in the JSON of `said`, properties in lower case; [] where there is nothing.

    A single object stands for a list of one, `{"value": [...], "Count": 2}` for its list, and one
    document may follow another; warnings, progress and CLIXML before a document are passed over.
    Raises SourceError: `parse` for JSON that is cut off or none at all, `too_large` past MOST.
    """
    found: list[Object] = []
    for number, document in enumerate(_documents(said, where)):
        found += islice(_flat(document, 4), MOST + 1)
        if max(number, len(found)) > MOST:
            raise SourceError(
                FailureKind.TOO_LARGE,
                f"{where} printed more than {MOST:,} objects: no license server has as many pools",
                "Is it the right command?",
                Step.PARSE,
            )
    return found


def _documents(said: str, where: str) -> Iterator[object]:
    said = _without_clixml(said)
    begin, any_found = _BEGINS.search(said), False
    while begin:
        try:
            document, end = _DECODER.raw_decode(said, begin.end())
        except (ValueError, RecursionError) as error:
            why = "nested too deeply" if isinstance(error, RecursionError) else text(error, 100)
            raise _unreadable(where, why) from error
        any_found = True
        yield document
        begin = _BEGINS.search(said, end)
    if not any_found and (rest := said.strip()) and rest != "null":
        raise _unreadable(where, f"it begins with {text(rest, 60)}")


def _unreadable(where: str, why: str) -> SourceError:
    return SourceError(
        FailureKind.PARSE,
        f"{where} printed no whole JSON: {why}",
        "End it with | ConvertTo-Json; `lictui servers snippet NAME` prints a line that works.",
        Step.PARSE,
    )


def _without_clixml(said: str) -> str:
    """`said` without the streams that PowerShell serialises when nobody watches it."""
    first, *streams = said.split(_CLIXML)
    kept = [first]
    for stream in streams:
        inside, end, after = stream.partition(_CLIXML_END)
        kept.append(after if end else inside)
    return "\n".join(kept)


def _flat(value: object, depth: int) -> Iterator[Object]:
    if isinstance(value, list) and depth:
        for each in value:
            yield from _flat(each, depth - 1)
    elif isinstance(value, dict):
        found = {key.lower(): _scalar(each) for key, each in value.items()}
        if isinstance(found.get("value"), list) and "count" in found:
            yield from _flat(found["value"], depth - 1 if depth else 0)
        else:
            yield found


def _scalar(value: object) -> object:
    """A property whose value PowerShell wrapped (a date with a display hint, say), without that."""
    if isinstance(value, dict):
        inner = next((each for key, each in value.items() if key.lower() == "value"), value)
        return value if isinstance(inner, dict) else inner
    return value
