"""XML from a stranger, as a small tree of local names.

Owns the bounds: no DTD, no entity, no depth and no number of elements that an honest reply never
has. Must not know WS-Management. Namespaces are dropped, since servers differ in them where the
local names agree (`w:Items`, `n:Items`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from xml.etree.ElementTree import TreeBuilder  # builds alone: defusedxml parses

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, ParseError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

_DEEPEST: Final = 40  # an item's property is on level 7
_MOST_ELEMENTS: Final = 200_000  # a full reply has some 2,000
# Not allowed in XML, but a product's name may have them: one name must not cost the inventory.
_CONTROLS: Final = bytes(set(range(0x20)) - set(b"\t\n\r"))


class NotXmlError(Exception):
    """These bytes are no XML that will be read; says why."""


class _Bounded(TreeBuilder):
    def __init__(self) -> None:
        super().__init__()
        self._depth = 0
        self._elements = 0

    def start(self, tag: str, attrs: dict[str, str], /) -> Element:
        self._depth += 1
        self._elements += 1
        if self._depth > _DEEPEST:
            raise NotXmlError("nested too deeply")
        if self._elements > _MOST_ELEMENTS:
            raise NotXmlError("too many elements")
        return super().start(_local(tag), {_local(name): value for name, value in attrs.items()})

    def end(self, tag: str, /) -> Element:
        self._depth -= 1
        return super().end(_local(tag))


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def tree(body: bytes) -> Element:
    """The root of the document in `body`; raises NotXmlError, and nothing else."""
    parser = DefusedXMLParser(target=_Bounded(), forbid_dtd=True)
    try:
        parser.feed(body if b"\0" in body[:4] else body.translate(None, _CONTROLS))  # UTF-16 or not
        root: Element = parser.close()
    except DefusedXmlException as error:
        raise NotXmlError("it brings a DTD or entities along") from error
    except (ParseError, ValueError, LookupError) as error:  # the latter two: odd encodings
        raise NotXmlError(str(error)) from error
    return root


def child(element: Element | None, *path: str) -> Element | None:
    """The first descendant reached by the local names of `path`, from child to child."""
    for name in path:
        if element is None:
            return None
        element = next((below for below in element if below.tag == name), None)
    return element


def descendants(element: Element, name: str) -> Iterator[Element]:
    """Every element of that local name at or below `element`."""
    return element.iter(name)
