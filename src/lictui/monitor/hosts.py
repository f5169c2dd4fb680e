"""What a license server is called, and whether two names are of one host.

Owns that comparison, and the search in what Citrix Cloud lists. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from lictui.model import SourceName

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lictui.model import LicenseServer
    from lictui.monitor.board import ServerStatus

ACCOUNTS: Final = (SourceName.CITRIX_CLOUD, SourceName.PARTNER)


def names_of(status: ServerStatus) -> tuple[str, ...]:
    """What the license server behind a status is called, by all who read it."""
    parts = status.parts or (status,)
    return tuple(dict.fromkeys(name for part in parts for name in _names(part) if name))


def _names(part: ServerStatus) -> Iterator[str]:
    server, snapshot = part.server, part.snapshot
    if server.source in ACCOUNTS:
        return  # its address is Citrix's
    on = snapshot.license_server if snapshot else ""
    yield on
    if server.source is not SourceName.CVAD:
        yield snapshot.reported_name if snapshot else ""
        yield _host(server.url)
        for address in server.address.split(","):
            yield address.rpartition("@")[2].strip()
    elif not on:
        yield _host(server.url)  # a small site's controller may be its license server as well


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def one_host(one: str, other: str) -> bool:
    """Whether both are the same: case does not count, and a bare name is any domain's."""
    first, second = _plain(one), _plain(other)
    if not first or not second:
        return False
    if first == second:
        return True
    return _bare(first) != _bare(second) and first.partition(".")[0] == second.partition(".")[0]


def _plain(name: str) -> str:
    return name.strip().rstrip(".").casefold()


def _bare(name: str) -> bool:
    """A single label; an address of numbers is whole as it is."""
    return "." not in name and not name.isdigit()


class Listing:
    """What Citrix Cloud lists, by the names of the license servers."""

    def __init__(self, accounts: tuple[tuple[LicenseServer, ...], ...]) -> None:
        self.accounts = accounts
        self._whole: dict[str, LicenseServer] = {}
        self._near: dict[str, list[LicenseServer]] = {}
        for entry in (entry for account in accounts for entry in account):
            for name in filter(None, (_plain(entry.fqdn), _plain(entry.host_id))):
                self._whole.setdefault(name, entry)
                self._near.setdefault(name.partition(".")[0], []).append(entry)

    def of(self, status: ServerStatus) -> LicenseServer | None:
        """The entry that is this license server.

        A full name comes first; where only a bare one fits, it must not fit another as well.
        """
        if not self._whole:
            return None
        alone = [
            part.snapshot.license_servers
            for part in status.parts
            if part.snapshot and len(part.snapshot.license_servers) == 1
        ]
        if alone:
            return alone[0][0]  # an account that was said to be this server, and knows no other
        names = [_plain(name) for name in names_of(status)]
        if found := next((self._whole[name] for name in names if name in self._whole), None):
            return found
        near = [
            entry
            for name in names
            for entry in self._near.get(name.partition(".")[0], ())
            if one_host(name, entry.fqdn) or one_host(name, entry.host_id)
        ]
        return near[0] if len({entry.host_id or entry.fqdn for entry in near}) == 1 else None
