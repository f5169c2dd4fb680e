r"""JSON as PowerShell's ConvertTo-Json writes it.

Owns the differences between Windows PowerShell 5.1 and PowerShell 7: blanks, escapes, dates, and
what becomes of one row or none. Must not know what the rows mean. (Public PowerShell sources; the
`\/Date(ms)\/` of 5.1 is from memory in the protocol notes.)
"""

from __future__ import annotations

import codecs
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_BOMS: Final = {"utf-8-sig": codecs.BOM_UTF8, "utf-16-le": codecs.BOM_UTF16_LE}
_ESCAPED: Final = "<>&'"  # by 5.1's serializer


@dataclass(frozen=True, slots=True)
class PowerShell:
    """One PowerShell, and how its output reaches a file or pipe."""

    desktop: bool = True  # Windows PowerShell 5.1; else PowerShell 7
    encoding: str = "utf-8"  # utf-8-sig and utf-16-le begin with their mark
    hours: float = 0.0  # of the local time that 7 writes, ahead of UTC; 5.1 writes the moment

    def convert(self, rows: Sequence[Mapping[str, object]]) -> bytes:
        """`$rows | ConvertTo-Json`: nothing for none, no array around a single one."""
        if not rows:
            return b""
        value = rows[0] if len(rows) == 1 else list(rows)
        text = json.dumps(value, indent=4 if self.desktop else 2, default=self._date)
        if self.desktop:
            text = _desktop(text)
        said = text.replace("\n", "\r\n") + "\r\n"
        if self.encoding == "utf-16-le":
            return _BOMS[self.encoding] + said.encode("utf-16-le")
        return said.encode(self.encoding)

    def _date(self, value: object) -> str:
        if not isinstance(value, datetime):
            raise TypeError(f"PowerShell has no {type(value).__name__} here")
        if self.desktop:
            # The slashes are escaped once the whole text is there.
            return f"/Date({round(value.timestamp() * 1000)})/"
        if not self.hours:
            return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z"
        return value.astimezone(timezone(timedelta(hours=self.hours))).isoformat()


def _desktop(text: str) -> str:
    """Two blanks after a name, escaped slashes around dates, and what HTML could misread."""
    text = re.sub(r'^( *"[^"]*":) ', r"\1  ", text, flags=re.MULTILINE)
    text = re.sub(r"/(Date\(-?\d+\))/", r"\\/\1\\/", text)
    for mark in _ESCAPED:
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return text
