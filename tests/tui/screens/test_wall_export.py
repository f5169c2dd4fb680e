from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.running_app import running_app

if TYPE_CHECKING:
    import pytest

    from lictui.tui.text import Table


async def test_copy_takes_the_row() -> None:
    async with running_app() as run:
        await run.press("Y")
        assert run.app.clipboard == "lic-emea-01  CVAD Premium  412 / 500  82 %"


async def test_export_writes_what_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Table] = []

    def write(table: Table, view: str, _now: float) -> str:
        written.append(table)
        return f"here/{view}.csv"

    monkeypatch.setattr("lictui.tui.text.export_csv", write)
    async with running_app() as run:
        await run.press("slash", *"PVS", "enter")
        await run.press("E")
        assert "here/dashboard.csv" in "".join(n.message for n in run.app._notifications)
    ((header, row),) = written
    assert dict(zip(header, row, strict=True)) == {
        "server": "lic-emea-01",
        "state": "up",
        "product": "PVS_STD_CCS",
        "name": "Provisioning Services",
        "model": "concurrent",
        "subscription_date": "",
        "in_use": 90,
        "installed": 80,
        "overdraft": 20,
        "free": -10,
        "ratio": 1.125,
        "level": "overdraft",
    }


async def test_export_says_when_it_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("lictui.tui.text.export_csv", refuse)
    async with running_app() as run:
        await run.press("E")
        assert "Permission denied" in "".join(n.message for n in run.app._notifications)
