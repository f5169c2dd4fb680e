"""What one license server needs to show up in Citrix Cloud's Usage Insights, and has of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from lictui.model import LicenseServer, ReportingStatus, SourceName, State
from lictui.tui import commands
from lictui.tui.screens.dialogs import TextDialog
from lictui.tui.screens.server_detail import USAGE_INSIGHTS_VERSION
from lictui.tui.text import Line, Tone, hang
from lictui.tui.time_range import format_moment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from zoneinfo import ZoneInfo

    from textual.binding import BindingType

    from lictui.engine.board import MergedBoard, ServerStatus
    from lictui.tui.theme import Symbols

_ACCOUNTS: Final = (SourceName.CITRIX_CLOUD, SourceName.PARTNER)
# Sources that report the version of the license server; lmstat's is that of FlexNet.
_VERSIONED: Final = (SourceName.WINRM, SourceName.COMMAND)
_MINIMUM_VERSION: Final = ".".join(map(str, USAGE_INSIGHTS_VERSION))
_MANAGER: Final = "Licensing Manager (https://the-server:8083), Settings, Usage and Statistics"
_HOSTS: Final = (
    "las.cloud.com, customers.citrixworkspacesapi.net, citrix.cloud.com, "
    "trust.citrixnetworkapi.net, trust.citrixworkspacesapi.net, cis.citrix.com and "
    "core*.citrixworkspacesapi.net; certificate checks (OCSP, CRL) on port 80"
)


@dataclass(frozen=True, slots=True)
class Requirement:
    """One thing that is needed."""

    title: str
    detail: str  # what is known of it, or why nothing is
    action: str = ""  # how to meet it
    met: bool | None = None  # None: cannot be checked remotely


def requirements(
    board: MergedBoard, status: ServerStatus, zone: ZoneInfo | None, today: date
) -> tuple[Requirement, ...]:
    """All requirements, in the order in which they are met."""
    entry = status.cloud_status
    uploaded = entry is not None and entry.status is not ReportingStatus.NEVER_REPORTED
    implied = "usage was uploaded, so this is met" if uploaded else ""
    return (
        _account(board),
        _version(status),
        Requirement(
            "Citrix Cloud reachable",
            implied or "can only be checked on the server",
            f"allow outbound access to {_HOSTS}",
            met=True if uploaded else None,
        ),
        Requirement(
            "usage statistics enabled",
            implied or "cannot be checked remotely",
            f"{_MANAGER}: share usage statistics",
            met=True if uploaded else None,
        ),
        Requirement(
            "registered with its 8-character code",
            "Citrix Cloud lists the server" if entry else "no source lists registrations",
            f"{_MANAGER}: Register shows the code; enter it in Citrix Cloud at Identity and "
            "Access Management, API Access, Product Registrations, Register",
            met=True if entry is not None else None,
        ),
        _first_upload(entry, zone, today),
    )


def _account(board: MergedBoard) -> Requirement:
    accounts = [status for status in board.servers if status.server.source in _ACCOUNTS]
    up = next((account for account in accounts if account.state is State.UP), None)
    title = "a Citrix Cloud account"
    if up is not None:
        return Requirement(title, f"{up.server.name} responds", met=True)
    if accounts:
        name = accounts[0].server.name
        return Requirement(title, f"{name} is configured, but does not respond")
    detail = "none configured; press a to add one (source citrix-cloud or partner)"
    return Requirement(title, detail)


def _version(status: ServerStatus) -> Requirement:
    title = f"License Server {_MINIMUM_VERSION} or newer"
    members = status.members or (status,)
    for member in members:
        version = member.snapshot.version if member.snapshot else ""
        parts = version.split(".")[:2]
        numbers = tuple(int(part) for part in parts if part.isascii() and part.isdigit())
        versioned = member.server.source in _VERSIONED
        if versioned and len(numbers) == len(USAGE_INSIGHTS_VERSION):
            server = member.server.name
            detail = f"version {version} (reported by {server})"
            met = numbers >= USAGE_INSIGHTS_VERSION
            return Requirement(title, detail, "" if met else "update the license server", met=met)
    if status.server.source in _ACCOUNTS:
        return Requirement(title, "select a license server in the list to see its version")
    sources = " and ".join(dict.fromkeys(member.server.source.value for member in members))
    return Requirement(title, f"version not reported by {sources}; winrm reports it")


def _first_upload(entry: LicenseServer | None, zone: ZoneInfo | None, today: date) -> Requirement:
    title = "first usage upload (up to 24 hours later, then daily)"
    if entry is None:
        return Requirement(title, "only a partner account (source partner) lists uploads")
    last = (
        f", last {format_moment(entry.last_reported, zone, today)}" if entry.last_reported else ""
    )
    match entry.status:
        case ReportingStatus.REPORTING:
            return Requirement(title, f"uploads usage{last}", met=True)
        case ReportingStatus.NOT_REPORTING:
            action = "check usage sharing and connectivity to Citrix Cloud"
            return Requirement(title, f"no upload for more than 3 days{last}", action, met=False)
        case ReportingStatus.NEVER_REPORTED:
            action = "wait a day, then check usage sharing"
            return Requirement(title, "never uploaded", action, met=False)
        case _:
            return Requirement(title, f"its licenses have expired{last}", met=False)


def requirement_lines(
    entries: tuple[Requirement, ...], width: int, symbols: Symbols
) -> Iterator[Line]:
    """Each requirement with its sign, its detail, and what to do."""
    signs = {
        True: (symbols.passed, Tone.OK),
        False: (symbols.failed, Tone.CRITICAL),
        None: ("?", Tone.QUIET),
    }
    for entry in entries:
        sign, tone = signs[entry.met]
        yield from hang(((f"{sign} ", tone),), ((entry.title, Tone.STRONG),), width)
        detail_tone = Tone.TEXT if entry.met is not None else Tone.QUIET
        yield from hang((("  ", tone),), ((entry.detail, detail_tone),), width)
        if entry.action and not entry.met:
            arrow = (f"  {symbols.arrow} ", Tone.ACCENT)
            yield from hang((arrow,), ((entry.action, Tone.ACCENT),), width)


class CloudAssistantScreen(TextDialog):
    """The requirements of one server, over the servers view."""

    BINDINGS: ClassVar[list[BindingType]] = [*commands.bindings("cloud_assistant")]
    TITLE = "Citrix Cloud: Usage Insights"

    def __init__(self, server: str) -> None:
        super().__init__()
        self._server = server

    def lines(self, width: int) -> tuple[Line, ...]:
        """A title, then each requirement; nothing if the server was removed meanwhile."""
        app = self.lictui
        board = app.board
        status = next(
            (status for status in board.servers if self._server in status.member_names), None
        )
        if status is None:
            return ()
        entries = requirements(board, status, self.zone, self.current_time.today)
        is_account = status.server.source in _ACCOUNTS
        name = "a license server" if is_account else status.server.name
        title = (("Requirements for ", Tone.TEXT), (name, Tone.STRONG))
        return (title, *requirement_lines(entries, width, app.symbols))
