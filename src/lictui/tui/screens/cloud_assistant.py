"""The Citrix Cloud assistant: what Usage Insights needs of one server, over the registry.

Owns which server is meant. Must not know what is said of it (`assistant_view`).
"""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import TextWrapper
from typing import TYPE_CHECKING, ClassVar, Final

from lictui.model import LicenseServer, ReportingStatus, SourceName, State
from lictui.tui import commands
from lictui.tui.screens.dialogs import TextDialog
from lictui.tui.screens.servers import USAGE_INSIGHTS_VERSION
from lictui.tui.text import Line, Tone, strip_controls
from lictui.tui.time_range import format_moment, time_zone

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

    from textual.binding import BindingType

    from lictui.engine.board import MergedBoard, ServerStatus
    from lictui.tui.theme import Symbols


# What a license server needs to show up in Citrix Cloud's Usage Insights, and what of it is there


ACCOUNTS: Final = (SourceName.CITRIX_CLOUD, SourceName.PARTNER)
_VERSIONED: Final = (SourceName.WINRM, SourceName.COMMAND)  # lmstat's is FlexNet's own number
_LEAST: Final = ".".join(map(str, USAGE_INSIGHTS_VERSION))
_MANAGER: Final = "Licensing Manager (https://the-server:8083), Settings, Usage and Statistics"
_HOSTS: Final = (
    "las.cloud.com, customers.citrixworkspacesapi.net, citrix.cloud.com, "
    "trust.citrixnetworkapi.net, trust.citrixworkspacesapi.net, cis.citrix.com and "
    "core*.citrixworkspacesapi.net, certificate checks (OCSP, CRL) on port 80"
)


@dataclass(frozen=True, slots=True)
class Requirement:
    """One thing that is needed."""

    title: str
    detail: str  # what is known of it, or why nothing is
    action: str = ""  # where it is done
    met: bool | None = None  # None: nobody can tell from here


def requirements(
    board: MergedBoard, status: ServerStatus, tz: ZoneInfo | None
) -> tuple[Requirement, ...]:
    """Everything that is needed, in the order in which it is done."""
    reports = status.cloud_status
    seen = reports is not None and reports.status is not ReportingStatus.NEVER_REPORTED
    implied = "it has reported, so it is" if seen else ""
    return (
        _account(board),
        _version(status),
        Requirement(
            "Citrix Cloud within its reach",
            implied or "only the server itself can try",
            f"open to {_HOSTS}",
            met=True if seen else None,
        ),
        Requirement(
            "sharing of usage switched on",
            implied or "no source tells this setting",
            f"{_MANAGER}: share usage statistics",
            met=True if seen else None,
        ),
        Requirement(
            "the server registered, by its 8-character code",
            "Citrix Cloud lists it" if reports is not None else "no source lists registrations",
            f"{_MANAGER}: Register shows the code; enter it in Citrix Cloud at Identity and "
            "Access Management, API Access, Product Registrations, Register",
            met=True if reports is not None else None,
        ),
        _first_report(reports, tz),
    )


def _account(board: MergedBoard) -> Requirement:
    accounts = [it for it in board.servers if it.server.source in ACCOUNTS]
    up = next((it for it in accounts if it.state is State.UP), None)
    title = "a Citrix Cloud account"
    if up is not None:
        return Requirement(title, f"{strip_controls(up.server.name)} answers", met=True)
    if accounts:
        name = strip_controls(accounts[0].server.name)
        return Requirement(title, f"{name} is registered, and does not answer just now")
    told = "none is registered here; a adds one: source citrix-cloud or partner"
    return Requirement(title, told)


def _version(status: ServerStatus) -> Requirement:
    title = f"License Server {_LEAST} or newer"
    parts = status.members or (status,)
    for part in parts:
        version = part.snapshot.version if part.snapshot else ""
        numbers = tuple(int(it) for it in version.split(".")[:2] if it.isascii() and it.isdigit())
        if part.server.source in _VERSIONED and len(numbers) == len(USAGE_INSIGHTS_VERSION):
            told = f"it is {strip_controls(version)}, says {strip_controls(part.server.name)}"
            new = numbers >= USAGE_INSIGHTS_VERSION
            return Requirement(title, told, "" if new else "update the license server", met=new)
    if status.server.source in ACCOUNTS:
        return Requirement(title, "choose a license server in the list to see its version")
    sources = " and ".join(dict.fromkeys(part.server.source.value for part in parts))
    return Requirement(title, f"{sources} did not tell its version; winrm does")


def _first_report(reports: LicenseServer | None, tz: ZoneInfo | None) -> Requirement:
    title = "the first report, up to 24 hours after that; then one a day"
    if reports is None:
        told = "only a partner account (source partner) tells who reports"
        return Requirement(title, told)
    last = f", last {format_moment(reports.last_reported, tz)}" if reports.last_reported else ""
    match reports.status:
        case ReportingStatus.REPORTING:
            return Requirement(title, f"it reports{last}", met=True)
        case ReportingStatus.NOT_REPORTING:
            told = f"nothing for more than 3 days{last}"
            how = "look at sharing, and at the way to Citrix Cloud"
            return Requirement(title, told, how, met=False)
        case ReportingStatus.NEVER_REPORTED:
            how = "wait a day, then look at sharing"
            return Requirement(title, "it has never reported", how, met=False)
        case _:
            return Requirement(title, f"its licenses have expired{last}", met=False)


def lines(found: tuple[Requirement, ...], width: int, symbols: Symbols) -> Iterator[Line]:
    """Each point with its sign, what is told of it, and where it is done."""
    signs = {
        True: (symbols.passed, Tone.OK),
        False: (symbols.failed, Tone.CRITICAL),
        None: ("?", Tone.QUIET),
    }
    for point in found:
        sign, tone = signs[point.met]
        first, *rest = _wrapped(f"{sign} {point.title}", width)
        yield ((first[:1], tone), (first[1:], Tone.STRONG))
        yield from (((line, Tone.STRONG),) for line in rest)
        for line in _wrapped(f"  {point.detail}", width):
            yield ((line, Tone.TEXT if point.met is not None else Tone.QUIET),)
        if point.action and not point.met:
            for line in _wrapped(f"  {symbols.arrow} {point.action}", width):
                yield ((line, Tone.ACCENT),)


def _wrapped(text: str, width: int) -> list[str]:
    return TextWrapper(max(20, width), subsequent_indent="  ").wrap(text) or [""]


class CloudAssistantScreen(TextDialog):
    """What one server needs to be seen in Citrix Cloud."""

    BINDINGS: ClassVar[list[BindingType]] = [*commands.bindings("assistant")]
    TITLE = "Citrix Cloud: Usage Insights"

    def __init__(self, server: str) -> None:
        super().__init__()
        self._server = server

    def lines(self, width: int) -> tuple[Line, ...]:
        """A head, then each point with its tick; nothing of a server that is gone."""
        app = self.lictui
        board = app.board
        status = _status(board, self._server)
        if status is None:
            return ()
        found = requirements(board, status, time_zone(app.settings.timezone))
        account = status.server.source in ACCOUNTS
        name = "a license server" if account else strip_controls(status.server.name)
        head = (
            ("What ", Tone.TEXT),
            (name, Tone.STRONG),
            (" needs to be seen there", Tone.TEXT),
        )
        return (head, *lines(found, width, app.symbols))


def _status(board: MergedBoard, name: str) -> ServerStatus | None:
    """The status that stands for the registered server `name`."""
    return next((status for status in board.servers if name in status.member_names), None)
