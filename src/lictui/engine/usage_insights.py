"""What a license server needs to show up in Citrix Cloud's Usage Insights, and has of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from lictui.model import (
    ACCOUNT_SOURCES,
    VERSIONED_SOURCES,
    Level,
    LicenseServer,
    ReportingStatus,
    State,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lictui.engine.board import MergedBoard, ServerStatus

USAGE_INSIGHTS_VERSION: Final = (11, 15)  # docs.citrix.com, "On-premises license usage"
_LAS_ONLINE: Final = 51000  # builds; docs.citrix.com, "License Activation Service"
_LAS_OFFLINE: Final = 53100
_BUILD_INDEX: Final = 3  # 11.17.2.54100
_MINIMUM_VERSION: Final = ".".join(map(str, USAGE_INSIGHTS_VERSION))
_MANAGER: Final = "Licensing Manager (https://the-server:8083), Settings, Usage and Statistics"
_HOSTS: Final = (
    "las.cloud.com, customers.citrixworkspacesapi.net, citrix.cloud.com, "
    "trust.citrixnetworkapi.net, trust.citrixworkspacesapi.net, cis.citrix.com and "
    "core*.citrixworkspacesapi.net; certificate checks (OCSP, CRL) on port 80"
)


class Requirement(Struct, frozen=True):
    """One thing that is needed."""

    title: str
    detail: str  # what is known of it, or why nothing is
    action: str = ""  # how to meet it
    met: bool | None = None  # None: cannot be checked remotely
    last: float | None = None  # when it was met last, in UTC epoch seconds


def requirements(board: MergedBoard, status: ServerStatus) -> tuple[Requirement, ...]:
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
        _first_upload(entry),
    )


def _account(board: MergedBoard) -> Requirement:
    accounts = [status for status in board.servers if status.server.source in ACCOUNT_SOURCES]
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
        versioned = member.server.source in VERSIONED_SOURCES
        if versioned and len(numbers) == len(USAGE_INSIGHTS_VERSION):
            server = member.server.name
            detail = f"version {version} (reported by {server})"
            met = numbers >= USAGE_INSIGHTS_VERSION
            return Requirement(title, detail, "" if met else "update the license server", met=met)
    if status.server.source in ACCOUNT_SOURCES:
        return Requirement(title, "select a license server in the list to see its version")
    sources = " and ".join(dict.fromkeys(member.server.source.value for member in members))
    is_versioned = any(member.server.source in VERSIONED_SOURCES for member in members)
    other = "" if is_versioned else "; winrm reports it"
    return Requirement(title, f"version not reported by {sources}{other}")


def _first_upload(entry: LicenseServer | None) -> Requirement:
    title = "first usage upload (up to 24 hours later, then daily)"
    if entry is None:
        return Requirement(title, "only a partner account (source partner) lists uploads")
    detail, action = _UPLOADS[entry.status]
    met = entry.status is ReportingStatus.REPORTING
    return Requirement(title, detail, action, met=met, last=entry.last_reported)


_UPLOADS: Final = {
    ReportingStatus.REPORTING: ("uploads usage", ""),
    ReportingStatus.NOT_REPORTING: (
        "no upload for more than 3 days",
        "check usage sharing and connectivity to Citrix Cloud",
    ),
    ReportingStatus.NEVER_REPORTED: ("never uploaded", "wait a day, then check usage sharing"),
    ReportingStatus.EXPIRED: ("its licenses have expired", ""),
}


def supported_features(version: str) -> str:
    """What a license server of this version supports; "" if the version does not show it."""
    numbers = _version_numbers(version)
    if not numbers:
        return ""
    insights = "meets Usage Insights requirements"
    if tuple(numbers[:2]) < USAGE_INSIGHTS_VERSION:
        insights = "version too old for Usage Insights"
    return f"{insights}, {las_support(version)}"


def las_support(version: str) -> str:
    """Whether a license server of this version supports LAS; "" if the version is incomplete."""
    numbers = _version_numbers(version)
    if not numbers:
        return ""
    if numbers[_BUILD_INDEX] < _LAS_ONLINE:
        return "version too old for LAS"
    return "supports LAS" + (" online only" if numbers[_BUILD_INDEX] < _LAS_OFFLINE else "")


def _version_numbers(version: str) -> list[int]:
    """The numbers of a version with its build; [] without one."""
    numbers = [int(part) for part in version.split(".") if part.isascii() and part.isdigit()]
    return numbers if len(numbers) > _BUILD_INDEX else []


_NO_EXPIRY: Final = 9_999  # days
REPORTING_LEVELS: Final = {  # worst first
    ReportingStatus.EXPIRED: Level.CRITICAL,
    ReportingStatus.NOT_REPORTING: Level.CRITICAL,
    ReportingStatus.NEVER_REPORTED: Level.WARN,
    ReportingStatus.REPORTING: Level.OK,
}


def by_urgency(listed: Iterable[LicenseServer]) -> list[LicenseServer]:
    """The license servers of an account by their status, the worst first, then by expiry."""

    def rank(server: LicenseServer) -> tuple[int, int, str, str]:
        days = _NO_EXPIRY if server.days_to_expire is None else server.days_to_expire
        return list(REPORTING_LEVELS).index(server.status), days, server.fqdn, server.host_id

    return sorted(listed, key=rank)
