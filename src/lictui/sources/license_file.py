r"""Parser of license files (.lic): the licenses that INCREMENT and FEATURE lines grant.

A trailing `\` continues a line; `KEY=VALUE` and `KEY="VALUE"` follow the five positional fields.
The layout is that of files published by others (helgeklein.com, docs.citrix.com "license-files");
the keys of VENDOR_STRING have no official table. ODP is kept but not used for calculations: it is 0
even in files of licenses that have an overdraft.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lictui.sources.sanitize import parse_count, parse_date, sanitize

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

MAX_INCREMENTS: Final = 5000  # no license server has as many licenses

_MAX_CODE: Final = 60  # characters
_MAX_LINE: Final = 16_000  # characters, continuation lines included
_POSITIONAL: Final = 6  # keyword, feature, vendor, version, expiry, count
_CONTINUATION: Final = re.compile(r"\\[ \t]*(?:\r\n|\r|\n)")
_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_KEYWORD: Final = re.compile(r"\s*(?:INCREMENT|FEATURE)\s", re.IGNORECASE)
_WORD: Final = re.compile(r'(?:[^\s"]|"[^"]*")+')
_PERMANENT: Final = re.compile(r"permanent|0?1-jan-0{1,4}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Increment:
    """One license as its line states it."""

    product: str  # the feature: XDT_PLT_UD
    vendor: str  # the daemon that serves it: CITRIX
    version: str  # as written; for Citrix the subscription date
    subscription_date: date | None  # None: the version is not a date
    expires: date | None
    permanent: bool | None  # None: the expiry cannot be read
    count: int | None  # None: uncounted, or unreadable
    uncounted: bool = False
    license_type: str = ""  # LT of VENDOR_STRING: Retail, Eval, …
    serial: str = ""  # SN
    issued: date | None = None
    start: date | None = None  # not valid before
    vendor_string: tuple[tuple[str, str], ...] = ()  # its keys in upper case, in order
    signature: str = ""  # SIGN: distinguishes two licenses from a copy

    def is_valid_on(self, today: date) -> bool:
        """Tell whether the license may be used on `today`; an unknown date is no obstacle."""
        has_started = self.start is None or self.start <= today
        return has_started and (self.expires is None or self.expires >= today)


def parse_license_file(text: str) -> tuple[Increment, ...]:
    """Return every license that `text` grants, in order; `text` may be several files joined.

    Other lines are ignored. A license that occurs twice with the same signature is one license:
    folders often contain copies of a file. At most MAX_INCREMENTS are read; never raises.
    """
    increments: dict[object, Increment] = {}
    for number, increment in enumerate(_parse(text)):
        if len(increments) == MAX_INCREMENTS:
            break
        increments.setdefault(increment if increment.signature else number, increment)
    return tuple(increments.values())


def _parse(text: str) -> Iterator[Increment]:
    for line in _LINE_END.split(_CONTINUATION.sub(" ", text)):
        if _KEYWORD.match(line):
            words = _WORD.findall(line[:_MAX_LINE])
            if len(words) >= _POSITIONAL and (code := sanitize(words[1], _MAX_CODE)):
                yield _increment(code, words)


def _increment(code: str, words: list[str]) -> Increment:
    vendor, version, expiry, count = words[2:_POSITIONAL]
    options = {
        key.upper(): value.replace('"', "")
        for key, _, value in (word.partition("=") for word in words[_POSITIONAL:])
        if key
    }
    vendor_string = _vendor_string(options.get("VENDOR_STRING", ""))
    is_permanent = _PERMANENT.fullmatch(expiry) is not None
    expires = None if is_permanent else parse_date(expiry)
    number = parse_count(count)
    uncounted = number == 0 or count.lower() == "uncounted"  # FlexNet writes either
    return Increment(
        product=code,
        vendor=sanitize(vendor, 40),
        version=sanitize(version, 40),
        subscription_date=parse_date(version),
        expires=expires,
        permanent=True if is_permanent else False if expires else None,
        count=None if uncounted else number,
        uncounted=uncounted,
        license_type=dict(vendor_string).get("LT", ""),
        serial=sanitize(options.get("SN", ""), 80),
        issued=parse_date(options.get("ISSUED", "")),
        start=parse_date(options.get("START", "")),
        vendor_string=vendor_string,
        signature=sanitize(options.get("SIGN", ""), 1000),
    )


def _vendor_string(value: str) -> tuple[tuple[str, str], ...]:
    pairs = (part.partition("=") for part in value.split(";")[:50])
    return tuple(
        (sanitize(key, 40).upper(), sanitize(setting, 100))
        for key, _, setting in pairs
        if sanitize(key)
    )
