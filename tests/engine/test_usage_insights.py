"""The requirements of Usage Insights, and what a version of the license server supports."""

from typing import Any

import pytest
from msgspec.structs import replace
from tests.support.clock import START
from tests.support.values import server, snapshot

from lictui.engine.board import Board, ServerStatus
from lictui.engine.merge import merge_board
from lictui.engine.usage_insights import Requirement, requirements, supported_features
from lictui.model import LicenseServer, ReportingStatus, SourceName, State


def status(version: str = "11.17.2.54100", **fields: Any) -> ServerStatus:
    reported = snapshot(version=version)
    return replace(ServerStatus(server("lic"), State.UP, snapshot=reported), **fields)


def by_key(of: ServerStatus, *others: ServerStatus) -> dict[str, Requirement]:
    keys = ("account", "version", "reach", "sharing", "code", "report")
    return dict(zip(keys, requirements(merge_board(Board((of, *others))), of), strict=True))


@pytest.mark.parametrize(
    ("version", "features"),
    [
        ("11.17.2.54100", "meets Usage Insights requirements, supports LAS"),
        ("11.17.2.52000", "meets Usage Insights requirements, supports LAS online only"),
        ("11.14.0.31000", "version too old for Usage Insights, version too old for LAS"),
        ("7.47", ""),
        ("", ""),
    ],
)
def test_supported_features_depend_on_the_version(version: str, features: str) -> None:
    assert supported_features(version) == features


LMSTAT = {"server": server("lic", source=SourceName.LMSTAT, url="", address="@lic")}


@pytest.mark.parametrize(
    ("of", "met", "detail"),
    [
        (status(), True, "version 11.17.2.54100 (reported by lic)"),
        (status("11.15.0.0"), True, "version 11.15.0.0 (reported by lic)"),
        (status("11.14.0.31000"), False, "version 11.14.0.31000 (reported by lic)"),
        (status(""), None, "version not reported by winrm"),
        (status("11.19.4", **LMSTAT), None, "version not reported by lmstat; winrm reports it"),
    ],
)
def test_version_requirement_is_met_or_unknown(
    of: ServerStatus,
    met: bool | None,  # noqa: FBT001 - a case
    detail: str,
) -> None:
    point = by_key(of)["version"]
    assert point.met is met
    assert point.detail == detail


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
    sharing: bool | None,  # noqa: FBT001 - a case
) -> None:
    needed = by_key(status(cloud_status=LicenseServer("LIC01", status=reporting)))
    assert needed["report"].met is False
    assert words in needed["report"].detail
    assert needed["sharing"].met is sharing
    assert needed["code"].met is True
