r"""License files (.lic): the licenses that their INCREMENT and FEATURE lines grant.

Owns the grammar of such a line: a trailing `\` continues it, `KEY=VALUE` and `KEY="VALUE"` follow
the five fields. Pure: must not know where the text comes from, nor what becomes of a license.
The layout is that of files quoted in public (helgeklein.com, docs.citrix.com "license-files");
the keys of VENDOR_STRING have no official table. ODP is kept as written and never reckoned with:
it is 0 in files of licenses that have an overdraft.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lictui.sources.sanitize import parse_count, parse_date, sanitize

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

MAX_INCREMENTS: Final = 5000  # licenses that are read; no server has as many

_LONGEST_CODE: Final = 60
_LONGEST_LINE: Final = 16_000  # characters of one line, continued ones included
_FIELDS: Final = 6  # keyword, feature, vendor, version, expiry, count
_CONTINUED: Final = re.compile(r"\\[ \t]*(?:\r\n|\r|\n)")
_LINE_ENDS: Final = re.compile(r"\r\n|\r|\n")
_GRANTS: Final = re.compile(r"\s*(?:INCREMENT|FEATURE)\s", re.IGNORECASE)
_WORD: Final = re.compile(r'(?:[^\s"]|"[^"]*")+')
_NEVER: Final = re.compile(r"permanent|0?1-jan-0{1,4}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Increment:
    """One license as its line states it."""

    product: str  # the feature: XDT_PLT_UD
    vendor: str  # whose daemon serves it: CITRIX
    version: str  # as written; for Citrix the subscription date
    subscription_date: date | None  # None: the version is no date
    expires: date | None
    permanent: bool | None  # None: the expiry cannot be read
    count: int | None  # None: uncounted, or unreadable
    uncounted: bool = False
    license_type: str = ""  # LT of VENDOR_STRING: Retail, Eval, …
    serial: str = ""  # SN
    issued: date | None = None
    start: date | None = None  # not to be used before
    vendor_string: tuple[tuple[str, str], ...] = ()  # its keys, upper case, in order
    signature: str = ""  # SIGN: tells one license from a copy of it

    def is_valid_on(self, today: date) -> bool:
        """Whether it may be used on `today`; a day that is not known does not forbid it."""
        started = self.start is None or self.start <= today
        return started and (self.expires is None or self.expires >= today)


def parse_license_file(said: str) -> tuple[Increment, ...]:
    """Every license that `said`, one file or several one after another, grants, in order.

    Lines of any other kind are passed over. A license that stands there twice, signature and all,
    is one license: copies of a file lie beside it. The first MOST are read; never raises.
    """
    found: dict[object, Increment] = {}
    for number, each in enumerate(_read(said)):
        if len(found) == MAX_INCREMENTS:
            break
        found.setdefault(each if each.signature else number, each)
    return tuple(found.values())


def _read(said: str) -> Iterator[Increment]:
    for line in _LINE_ENDS.split(_CONTINUED.sub(" ", said)):
        if _GRANTS.match(line):
            words = _WORD.findall(line[:_LONGEST_LINE])
            if len(words) >= _FIELDS and (code := sanitize(words[1], _LONGEST_CODE)):
                yield _increment(code, words)


def _increment(code: str, words: list[str]) -> Increment:
    vendor, version, expiry, count = words[2:_FIELDS]
    options = {key.upper(): value for key, value in map(_pair, words[_FIELDS:]) if key}
    vendor_string = _vendor_string(options.get("VENDOR_STRING", ""))
    never = _NEVER.fullmatch(expiry) is not None
    expires = None if never else parse_date(expiry)
    number = parse_count(count)
    uncounted = number == 0 or count.lower() == "uncounted"  # FlexNet writes it either way
    return Increment(
        product=code,
        vendor=sanitize(vendor, 40),
        version=sanitize(version, 40),
        subscription_date=parse_date(version),
        expires=expires,
        permanent=True if never else False if expires else None,
        count=None if uncounted else number,
        uncounted=uncounted,
        license_type=dict(vendor_string).get("LT", ""),
        serial=sanitize(options.get("SN", ""), 80),
        issued=parse_date(options.get("ISSUED", "")),
        start=parse_date(options.get("START", "")),
        vendor_string=vendor_string,
        signature=sanitize(options.get("SIGN", ""), 1000),
    )


def _pair(word: str) -> tuple[str, str]:
    key, _, value = word.partition("=")
    return key, value.replace('"', "")


def _vendor_string(value: str) -> tuple[tuple[str, str], ...]:
    pairs = (part.partition("=") for part in value.split(";")[:50])
    return tuple(
        (sanitize(key, 40).upper(), sanitize(said, 100)) for key, _, said in pairs if sanitize(key)
    )
