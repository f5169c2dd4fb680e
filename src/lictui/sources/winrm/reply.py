"""The answers of WS-Management: a page of items, or a fault.

Owns every rule of reading one reply. Pure: must not know HTTP, nor what an item means. Rules are
those of captured replies of Windows Server 2003 to 2012, which match DSP0226.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lictui.sources.clean import text
from lictui.sources.winrm.tree import NotXmlError, child, descendants, tree

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

Item = Mapping[str, str]  # one WMI instance: property, in lower case -> value; null is absent

_LONGEST_VALUE: Final = 500
_LONGEST_CONTEXT: Final = 4_000
_MOST_PROPERTIES: Final = 100
_HEX_OR_LONG: Final = re.compile(r"\b(?:0x[0-9a-f]{8}|\d{10})\b", re.ASCII | re.IGNORECASE)
_CODE: Final = re.compile(r"0x[0-9a-f]{1,8}|-?\d{1,10}", re.ASCII | re.IGNORECASE)


class NotAReplyError(Exception):
    """Not an answer to what was asked; says why. `web_page`: a browser was meant."""

    def __init__(self, reason: str, *, web_page: bool = False) -> None:
        super().__init__(reason)
        self.web_page = web_page


class UnreadableError(NotAReplyError):
    """Meant as an answer, maybe, but no XML that will be read."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A refusal in the server's own words."""

    codes: frozenset[int]  # WS-Management codes and WMI HRESULTs alike, unsigned
    subcodes: frozenset[str]  # local names: `AccessDenied`, `QuotaLimit`
    message: str


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the items; `last` tells whether these were all."""

    items: tuple[Item, ...]
    context: str  # for the next Pull; "" when the server gave none
    last: bool


def read(body: bytes, message: str) -> Page | Fault:
    """The reply in `body` to the request whose id was `message`; raises NotAReplyError."""
    try:
        root = tree(body)
    except NotXmlError as error:
        raise UnreadableError(text(error), web_page=looks_like_a_web_page(body)) from error
    if root.tag != "Envelope":
        raise NotAReplyError(f"it is <{text(root.tag, 40)}>", web_page=root.tag.lower() == "html")
    related = child(root, "Header", "RelatesTo")
    matches = related is not None and _plain(related).casefold() == message.casefold()
    fault = child(root, "Body", "Fault")
    if related is not None and not matches:
        raise NotAReplyError("it answers another question than ours")
    if fault is not None:
        return _fault(fault)
    if not matches:
        raise NotAReplyError("it does not say which question it answers")
    return _page(root)


def looks_like_a_web_page(body: bytes) -> bool:
    """Whether `body` was written for a browser."""
    start = body[:1000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return start.startswith((b"<!doctype html", b"<html")) or b"<head" in start


def _page(root: Element) -> Page:
    answer = child(root, "Body", "EnumerateResponse")
    if answer is None:
        answer = child(root, "Body", "PullResponse")
    if answer is None:
        raise NotAReplyError("there is no enumeration in it")
    last = child(answer, "EndOfSequence") is not None
    context = _plain(child(answer, "EnumerationContext"))
    if len(context) > _LONGEST_CONTEXT:
        raise NotAReplyError("its enumeration context is absurdly long")
    items = child(answer, "Items")
    return Page(() if items is None else tuple(map(_item, items)), context, last)


def _item(element: Element) -> Item:
    """A typed instance, or the XmlFragment of a projection: the properties are its children."""
    return {
        text(prop.tag, 60).lower(): value
        for prop in list(element)[:_MOST_PROPERTIES]
        if (value := _value(prop)) is not None
    }


def _value(prop: Element) -> str | None:
    if prop.get("nil", "").strip() in {"true", "1"}:
        return None
    inner = next(iter(prop), None)  # <cim:Datetime>, or a bare <Datetime>
    return text((prop if inner is None else inner).text or "", _LONGEST_VALUE)


def _fault(fault: Element) -> Fault:
    detail = child(fault, "Detail")
    said = text(" ".join(detail.itertext()), 4_000) if detail is not None else ""
    codes = {match[0] for match in _HEX_OR_LONG.finditer(said)}
    if detail is not None:
        codes |= {inner.get("Code", "").strip() for inner in descendants(detail, "WSManFault")}
        codes |= {_plain(inner) for inner in descendants(detail, "error_Code")}
    values = descendants(fault, "Value")
    return Fault(
        codes=frozenset(_unsigned(code) for code in codes if _CODE.fullmatch(code)),
        subcodes=frozenset(text(_plain(value).rpartition(":")[2], 60) for value in values),
        message=text(_plain(child(fault, "Reason", "Text"))) or text(said),
    )


def _unsigned(code: str) -> int:
    return int(code, 16 if code[:2].lower() == "0x" else 10) & 0xFFFFFFFF


def _plain(element: Element | None) -> str:
    return "" if element is None else (element.text or "").strip()
