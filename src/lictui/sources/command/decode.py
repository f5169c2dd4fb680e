"""Bytes that a program printed, as text: whatever Windows or a pipe made of their encoding.

Owns the guess at an encoding. Pure: must not know what the text means, nor make it harmless to a
screen (`sources.clean` does that, field by field).
"""

from __future__ import annotations

import codecs
from typing import Final

_SAMPLE: Final = 4096  # bytes that tell UTF-16 without a mark
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_MOSTLY: Final = 0.4  # of the high bytes are 0 in UTF-16 that is mostly Latin
_HARDLY: Final = 0.1


def text_of(stdout: bytes) -> str:
    """`stdout` as text, never raising: what no encoding explains is U+FFFD, NULs and marks leave.

    UTF-8 and UTF-16 with a byte order mark, UTF-16 without one where every other byte is 0
    (Windows PowerShell's `>`), UTF-8; a line that is none of these is Windows-1252, one by one,
    since files of different age are printed after one another.
    """
    for mark, encoding in _MARKS:
        if stdout.startswith(mark):
            return _plain(_decoded(stdout.removeprefix(mark), encoding))
    return _plain(_decoded(stdout, _unmarked(stdout[:_SAMPLE])))


def _unmarked(sample: bytes) -> str:
    pairs = len(sample) // 2
    first, second = (sample[offset : 2 * pairs : 2].count(0) for offset in (0, 1))
    if second > _MOSTLY * pairs and first <= _HARDLY * pairs:
        return "utf-16-le"
    if first > _MOSTLY * pairs and second <= _HARDLY * pairs:
        return "utf-16-be"
    return "utf-8"


def _decoded(body: bytes, encoding: str) -> str:
    if encoding != "utf-8":
        return body.decode(encoding, "replace")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return "".join(map(_line, body.splitlines(keepends=True)))


def _line(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("cp1252", "replace")


def _plain(decoded: str) -> str:
    return decoded.replace("\0", "").replace("\ufeff", "")
