from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.support.clock import START
from tests.support.estate import estate
from tests.support.running import running
from tests.support.screen import golden, screen_text
from tests.support.values import server, snapshot

from lictui.engine.board import Board, ServerStatus
from lictui.model import LicenseServer, Reporting, SourceName, State
from lictui.tui.screens.cloud_assistant import Point, points


def status(version: str = "11.17.2.54100", **fields: Any) -> ServerStatus:
    told = snapshot(version=version)
    return replace(ServerStatus(server("lic"), State.UP, snapshot=told), **fields)


def found(of: ServerStatus, *others: ServerStatus) -> dict[str, Point]:
    keys = ("account", "version", "reach", "sharing", "code", "report")
    return dict(zip(keys, points(Board((of, *others)), of, None), strict=True))


@pytest.mark.parametrize(
    ("version", "there"),
    [("11.17.2.54100", True), ("11.15.0.0", True), ("11.14.0.31000", False), ("", None)],
)
def test_a_version_is_told_or_not(version: str, there: bool | None) -> None:  # noqa: FBT001
    point = found(status(version))["version"]
    assert point.there is there
    assert point.told


def test_flexnet_s_own_number_is_no_version_of_the_license_server() -> None:
    lmstat = server("lic", source=SourceName.LMSTAT, url="", address="@lic")
    point = found(status("11.19.4", server=lmstat))["version"]
    assert point.there is None
    assert "winrm does" in point.told


def test_what_no_source_tells_is_a_question_with_its_reason() -> None:
    asked = found(status())
    for key in ("account", "reach", "sharing", "code", "report"):
        assert asked[key].there is None
        assert asked[key].told
    assert "8-character code" in asked["code"].title
    assert "Product Registrations" in asked["code"].how


def test_a_server_that_reports_has_everything() -> None:
    reports = LicenseServer("LIC01", "lic01", Reporting.REPORTING, START)
    account = ServerStatus(server("csp", source=SourceName.PARTNER), State.UP)
    asked = found(status(reports=reports), account)
    assert [point.there for point in asked.values()] == [True] * 6
    assert "csp answers" in asked["account"].told


@pytest.mark.parametrize(
    ("reporting", "words", "sharing"),
    [
        (Reporting.NOT_REPORTING, "more than 3 days", True),
        (Reporting.NEVER_REPORTED, "never", None),
        (Reporting.EXPIRED, "expired", True),
    ],
)
def test_a_server_that_does_not_report_is_told_apart(
    reporting: Reporting,
    words: str,
    sharing: bool | None,  # noqa: FBT001
) -> None:
    asked = found(status(reports=LicenseServer("LIC01", status=reporting)))
    assert asked["report"].there is False
    assert words in asked["report"].told
    assert asked["sharing"].there is sharing
    assert asked["code"].there is True


@pytest.mark.parametrize("size", [(80, 24), (60, 15)])
async def test_c_in_the_registry_opens_it(size: tuple[int, int]) -> None:
    async with running("servers", size) as run:
        await run.press("c")
        golden(f"assistant_{size[0]}x{size[1]}", screen_text(run.app))
        await run.press("j", "k", "escape")
        assert "Usage Insights ─" not in screen_text(run.app)


async def test_it_follows_the_board() -> None:
    async with running("servers", (80, 40)) as run:
        await run.press("c")
        first = estate().servers[0]
        assert first.snapshot is not None
        old = replace(first, snapshot=replace(first.snapshot, version="11.14.0.31000"))
        await run.publish(Board((old, *estate().servers[1:])))
        assert "update the license server" in screen_text(run.app)


async def test_an_account_is_told_to_choose_a_license_server() -> None:
    account = ServerStatus(server("csp", source=SourceName.PARTNER), State.UP)
    async with running("servers", (80, 40), board=Board((account,))) as run:
        await run.press("c")
        assert "choose a license server" in screen_text(run.app)
