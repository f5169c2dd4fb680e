"""The requirements of Usage Insights, and the dialog that shows them."""

from typing import Any

import pytest
from msgspec.structs import replace
from tests.support.clock import START
from tests.support.example_board import example_board
from tests.support.goldens import assert_golden, screen_text
from tests.support.running_app import running_app
from tests.support.values import server, snapshot

from lictui.engine.board import Board, ServerStatus
from lictui.engine.merge import merge_board
from lictui.engine.usage_insights import Requirement, requirements
from lictui.model import LicenseServer, ReportingStatus, SourceName, State


def status(version: str = "11.17.2.54100", **fields: Any) -> ServerStatus:
    reported = snapshot(version=version)
    return replace(ServerStatus(server("lic"), State.UP, snapshot=reported), **fields)


def by_key(of: ServerStatus, *others: ServerStatus) -> dict[str, Requirement]:
    keys = ("account", "version", "reach", "sharing", "code", "report")
    return dict(zip(keys, requirements(merge_board(Board((of, *others))), of), strict=True))


@pytest.mark.parametrize(
    ("version", "met"),
    [("11.17.2.54100", True), ("11.15.0.0", True), ("11.14.0.31000", False), ("", None)],
)
def test_version_requirement_is_met_or_unknown(version: str, met: bool | None) -> None:  # noqa: FBT001
    point = by_key(status(version))["version"]
    assert point.met is met
    assert point.detail


def test_version_of_flexnet_is_not_that_of_the_license_server() -> None:
    lmstat = server("lic", source=SourceName.LMSTAT, url="", address="@lic")
    point = by_key(status("11.19.4", server=lmstat))["version"]
    assert point.met is None
    assert "winrm reports it" in point.detail


def test_requirement_without_a_source_is_unknown_with_its_reason() -> None:
    needed = by_key(status())
    for key in ("account", "reach", "sharing", "code", "report"):
        assert needed[key].met is None
        assert needed[key].detail
    assert "8-character code" in needed["code"].title
    assert "Product Registrations" in needed["code"].action


def test_requirements_are_met_by_a_server_that_uploads() -> None:
    reports = LicenseServer("LIC01", "lic01", ReportingStatus.REPORTING, START)
    account = ServerStatus(server("csp", source=SourceName.PARTNER), State.UP)
    needed = by_key(status(cloud_status=reports), account)
    assert [point.met for point in needed.values()] == [True] * 6
    assert "csp responds" in needed["account"].detail


@pytest.mark.parametrize(
    ("reporting", "words", "sharing"),
    [
        (ReportingStatus.NOT_REPORTING, "more than 3 days", True),
        (ReportingStatus.NEVER_REPORTED, "never", None),
        (ReportingStatus.EXPIRED, "expired", True),
    ],
)
def test_upload_requirement_depends_on_the_status(
    reporting: ReportingStatus,
    words: str,
    sharing: bool | None,  # noqa: FBT001
) -> None:
    needed = by_key(status(cloud_status=LicenseServer("LIC01", status=reporting)))
    assert needed["report"].met is False
    assert words in needed["report"].detail
    assert needed["sharing"].met is sharing
    assert needed["code"].met is True


@pytest.mark.parametrize("size", [(80, 24), (60, 15)])
async def test_assistant_opens_from_servers(size: tuple[int, int]) -> None:
    async with running_app("servers", size) as run:
        await run.press("c")
        assert_golden(f"cloud_assistant_{size[0]}x{size[1]}", screen_text(run.app))
        await run.press("j", "k", "escape")
        assert "Usage Insights ─" not in screen_text(run.app)


async def test_assistant_follows_the_board() -> None:
    async with running_app("servers", (80, 40)) as run:
        await run.press("c")
        first = example_board().servers[0]
        assert first.snapshot is not None
        old = replace(first, snapshot=replace(first.snapshot, version="11.14.0.31000"))
        await run.publish(Board((old, *example_board().servers[1:])))
        assert "update the license server" in screen_text(run.app)


async def test_assistant_of_an_account_asks_for_a_license_server() -> None:
    account = ServerStatus(server("csp", source=SourceName.PARTNER), State.UP)
    async with running_app("servers", (80, 40), board=Board((account,))) as run:
        await run.press("c")
        assert "select a license server" in screen_text(run.app)
