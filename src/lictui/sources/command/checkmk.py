"""The section `<<<citrix_licenses>>>` of a Checkmk agent: product, licenses, in use.

Owns its lines (Checkmk's own check of that name: separated by tabs, duplicates summed, anything
else ignored). Pure: must not know how the agent was asked.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lictui.model import FailureKind, Pool, Reading, Snapshot, Step
from lictui.products import describe
from lictui.sources.clean import text, whole
from lictui.sources.command.adding import added
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEADER: Final = re.compile(r"\s*<<<(?P<name>[^<>:]{1,80})(?::[^<>]{0,200})?>>>\s*")
_SECTION: Final = "citrix_licenses"
_LINE_ENDS: Final = re.compile(r"\r\n|\r|\n")
_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,59}")
_FIELDS: Final = 3
_MOST: Final = 5000  # lines that count
_HOW: Final = (
    ("in_use", "the third field"),
    ("installed", "the second field; its overdraft cannot be told"),
)


def checkmk_snapshot(said: str, where: str) -> Snapshot:
    """The license server whose section is in `said`; a count hides its overdraft, which is None.

    Raises SourceError: `parse` where the section is missing, `no_data` where it is empty.
    """
    lines = _section(said)
    if lines is None:
        raise SourceError(
            FailureKind.PARSE,
            f"{where} printed no section <<<{_SECTION}>>>",
            "Does the agent there have the plugin citrix_licenses? An agent that is registered"
            " over TLS answers its own site alone.",
            Step.PARSE,
        )
    pools = added(pool for line in lines for pool in _pool(line))
    if not pools:
        raise SourceError(
            FailureKind.NO_DATA,
            f"{where} printed a section <<<{_SECTION}>>> without any license",
            "The plugin reads WMI, which has no pools under the License Activation Service.",
            Step.PARSE,
        )
    return Snapshot(pools)


def _section(said: str) -> list[str] | None:
    """The lines of every such section; None if there is none."""
    found: list[str] | None = None
    inside = False
    for line in _LINE_ENDS.split(said):
        if "<<<" in line and (header := _HEADER.fullmatch(line[:400])):
            inside = header["name"] == _SECTION
            found = (found or []) if inside else found
        elif inside and found is not None and line.strip() and len(found) < _MOST:
            found.append(line[:400])
    return found


def _pool(line: str) -> Iterator[Pool]:
    fields = [field.strip() for field in (line.split("\t") if "\t" in line else line.split())]
    if len(fields) < _FIELDS or not _CODE.fullmatch(fields[0]):
        return
    count, in_use = whole(fields[1]), whole(fields[2])
    if count is None and in_use is None:
        return  # words, not figures
    product = describe(fields[0])
    yield Pool(
        product=product.code,
        name=product.name,
        model=product.model,
        reading=Reading(in_use, count),
        counted=product.counted,
        raw=(("line", text(line, 100)),),
        how=_HOW,
    )
