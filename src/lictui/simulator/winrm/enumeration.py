"""Enumerate, Pull and Release: how WMI instances are handed out over WS-Management.

Owns the open enumerations and the XML of an instance. Must not know who asks, nor where the
instances come from. Behaviour as captured from Windows servers: the first reply holds one item
even when more follow, and every PullResponse moves on to a new context.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from lictui.simulator.winrm.envelope import CIM, XSI, Fault, N, W, text
from lictui.simulator.winrm.wql import BadQueryError, Query, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from xml.etree.ElementTree import Element

    from lictui.simulator.winrm.classes import CimClass
    from lictui.simulator.winrm.envelope import Call
    from lictui.simulator.winrm.wql import Value

_WMI: Final = "http://schemas.microsoft.com/wbem/wsman/1/wmi/"
_WQL: Final = "http://schemas.microsoft.com/wbem/wsman/1/WQL"
_SMALLEST_ENVELOPE: Final = 8192  # DSP0226: a client must not ask for less
_AROUND_ITEMS: Final = 1500  # bytes of an envelope that are no items
_MOST_OPEN: Final = 1000  # enumerations that were begun and never finished


@dataclass(frozen=True, slots=True)
class _Open:
    """An enumeration that has items left."""

    resource: str
    items: Sequence[str]


class Enumerations:
    """The enumerations of one server."""

    def __init__(
        self, classes: Callable[[], Iterable[CimClass]], new_id: Callable[[], str]
    ) -> None:
        self._classes = classes
        self._new_id = new_id
        self._open: OrderedDict[str, _Open] = OrderedDict()

    def enumerate(self, call: Call) -> str:
        """The body of an EnumerateResponse; Fault when there is none."""
        asked = _child(call, "Enumerate")
        items = self._items(call.resource, asked.find(f"{{{W}}}Filter"))
        first = ""
        if asked.find(f"{{{W}}}OptimizeEnumeration") is not None:
            now, items = _fitting(items, 1, call.max_envelope)
            first = f"<w:Items>{''.join(now)}</w:Items>"
        elif not items:
            # Without OptimizeEnumeration the end is told by Pull alone.
            return f"<n:EnumerateResponse>{self._context(call.resource, ())}</n:EnumerateResponse>"
        if first and not items:
            first += "<w:EndOfSequence/>"
            context = "<n:EnumerationContext/>"
        else:
            context = self._context(call.resource, items)
        return f"<n:EnumerateResponse>{context}{first}</n:EnumerateResponse>"

    def pull(self, call: Call) -> str:
        """The body of a PullResponse; Fault when the context is not the last one given."""
        asked = _child(call, "Pull")
        most = _most(asked)
        opened = self._take(asked, call.resource)
        now, left = _fitting(opened.items, most, call.max_envelope)
        items = f"<n:Items>{''.join(now)}</n:Items>"
        if not left:
            items += "<n:EndOfSequence/>"
            return f"<n:PullResponse><n:EnumerationContext/>{items}</n:PullResponse>"
        return f"<n:PullResponse>{self._context(call.resource, left)}{items}</n:PullResponse>"

    def release(self, call: Call) -> str:
        """The empty body of a ReleaseResponse."""
        self._take(_child(call, "Release"), call.resource)
        return ""

    def _context(self, resource: str, items: Sequence[str]) -> str:
        context = self._new_id()
        self._open[context] = _Open(resource.lower(), items)
        if len(self._open) > _MOST_OPEN:
            self._open.popitem(last=False)
        return f"<n:EnumerationContext>{context}</n:EnumerationContext>"

    def _take(self, asked: Element, resource: str) -> _Open:
        context = (asked.findtext(f"{{{N}}}EnumerationContext") or "").strip()
        opened = self._open.get(context)
        if opened is None or opened.resource != resource.lower():
            raise Fault(
                "n:InvalidEnumerationContext", 2150858779, "The enumeration context is not valid."
            )
        del self._open[context]
        return opened

    def _items(self, resource: str, asked: Element | None) -> Sequence[str]:
        namespace, name = _address(resource)
        if asked is not None and asked.get("Dialect") != _WQL:
            raise Fault(
                "n:FilterDialectRequestedUnavailable",
                2150858777,
                "The filter dialect is not supported.",
            )
        if (name == "*") is (asked is None):
            raise Fault("n:CannotProcessFilter", 2150858778, "A filter goes with /* and only so.")
        query = Query(name) if asked is None else _parse(asked.text or "")
        cim = self._class(namespace, query.class_name)
        columns = [cim.canonical(name) for name in query.properties]
        if None in columns:
            raise _bad_query()
        rows = [{own.lower(): row.get(own) for own in cim.properties} for row in cim.rows]
        try:
            chosen = [row for row in rows if query.matches(row)]
        except KeyError:
            raise _bad_query() from None
        if query.properties:
            return [_fragment([own for own in cim.properties if own in columns], r) for r in chosen]
        return [_instance(cim, row) for row in chosen]

    def _class(self, namespace: str, name: str) -> CimClass:
        known = [each for each in self._classes() if each.namespace.lower() == namespace]
        if not known:
            # WBEM_E_INVALID_NAMESPACE; which number a server puts outside is not published.
            raise Fault(
                "w:InternalError", 0x8004100E, "Invalid namespace (0x8004100E).", provider=True
            )
        for each in known:
            if each.name.lower() == name.lower():
                return each
        raise Fault(
            "n:CannotProcessFilter",
            2150858778,
            "The specified class does not exist in the given namespace.",
            provider=True,
        )


def _child(call: Call, name: str) -> Element:
    child = call.body.find(f"{{{N}}}{name}")
    if child is None:
        raise Fault("w:SchemaValidationError", 2150858817, f"The body holds no {name}.")
    if call.max_envelope < _SMALLEST_ENVELOPE:
        raise Fault("w:EncodingLimit", 2150858823, "MaxEnvelopeSize is below 8192.")
    return child


def _address(resource: str) -> tuple[str, str]:
    """Namespace (lower case) and class of a resource URI."""
    if not resource.lower().startswith(_WMI):
        raise Fault("a:DestinationUnreachable", 2150858811, "The resource URI is not known.")
    namespace, _, name = resource[len(_WMI) :].rpartition("/")
    return namespace.lower(), name


def _most(asked: Element) -> int:
    given = (asked.findtext(f"{{{N}}}MaxElements") or "1").strip()  # WS-Enumeration's default
    if not (given.isascii() and given.isdigit() and int(given[:9])):
        raise Fault("w:SchemaValidationError", 2150858817, "MaxElements is no positive number.")
    return int(given[:9])


def _fitting(
    items: Sequence[str], most: int, max_envelope: int
) -> tuple[Sequence[str], Sequence[str]]:
    """At most so many of the first items as fit into an envelope, and the rest."""
    room = max_envelope - _AROUND_ITEMS
    taken = 0
    for item in items[:most]:
        room -= len(item.encode())
        if room < 0:
            break
        taken += 1
    if items and not taken:
        raise Fault("w:EncodingLimit", 2150858824, "One item does not fit into MaxEnvelopeSize.")
    return items[:taken], items[taken:]


def _parse(query: str) -> Query:
    try:
        return parse(query)
    except BadQueryError:
        raise _bad_query() from None


def _bad_query() -> Fault:
    return Fault("n:CannotProcessFilter", 2150858778, "The WQL query is invalid.", provider=True)


def _instance(cim: CimClass, row: dict[str, Value]) -> str:
    """`SELECT *`: a typed element of the class, its children qualified."""
    inside = "".join(_element(f"p:{own}", row[own.lower()], "cim:") for own in cim.properties)
    return (
        f'<p:{cim.name} xmlns:p="{_WMI}{cim.namespace}/{cim.name}" xmlns:xsi="{XSI}"'
        f' xmlns:cim="{CIM}" xsi:type="p:{cim.name}_Type">{inside}</p:{cim.name}>'
    )


def _fragment(columns: Iterable[str], row: dict[str, Value]) -> str:
    """A projection: the columns alone, in no namespace at all."""
    inside = "".join(_element(own, row[own.lower()], "") for own in columns)
    return f'<w:XmlFragment xmlns:xsi="{XSI}">{inside}</w:XmlFragment>'


def _element(tag: str, value: Value, cim: str) -> str:
    match value:
        case None:
            return f'<{tag} xsi:nil="true"/>'
        case bool():
            return f"<{tag}>{str(value).lower()}</{tag}>"
        case date():
            return f"<{tag}><{cim}Datetime>{value.isoformat()}T00:00:00Z</{cim}Datetime></{tag}>"
        case _:
            return f"<{tag}>{text(str(value))}</{tag}>"
