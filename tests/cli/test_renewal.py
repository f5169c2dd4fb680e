"""`lictui renewal`: the files, their manifest and what is refused."""

import sys
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest
from tests.cli.conftest import WINRM, Cli, set_time
from tests.history.history_fixture import HOUR, HistoryFixture
from tests.report.report_fixture import timestamp
from tests.support.clock import FakeClock

from lictui.paths import Paths

NOW = timestamp("2026-11-03T09:00")


@pytest.fixture(autouse=True)
def _recorded(paths: Paths, cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    set_time(monkeypatch, NOW)
    monkeypatch.chdir(tmp_path)
    with closing(HistoryFixture(paths.history, FakeClock(NOW))) as fixture:
        fixture.poll_series(timestamp("2026-10-01T00:00"), [70] * 744, "lic-01", every=HOUR)
    cli("servers", "add", "lic-01", *WINRM)


def test_renewal_writes_files_and_a_manifest_of_their_checksums(
    paths: Paths, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    printed = cli("renewal", "--tz", "UTC").err
    for name in ("renewal.html", "renewal.xlsx", "SHA256SUMS"):
        assert f"lictui: wrote lictui-renewal-2026-11-03/{name}, " in printed
    assert f"enter missing quantities in {paths.entitlements}" in printed
    folder = Path("lictui-renewal-2026-11-03")
    lines = [line.split("  ") for line in (folder / "SHA256SUMS").read_text().splitlines()]
    assert [name for _, name in lines] == ["renewal.html", "renewal.xlsx"]
    for checksum, name in lines:
        assert sha256((folder / name).read_bytes()).hexdigest() == checksum
    page = (folder / "renewal.html").read_text(encoding="utf-8")
    assert "Usage from 1 December 2025 to 3 November 2026" in page
    cli("renewal", "--basis", "p95", "--headroom", "25", "--format", "html", "-o", "out/pack")
    assert {file.name for file in Path("out/pack").iterdir()} == {"SHA256SUMS", "renewal.html"}
    assert "95th percentile + 25" in Path("out/pack/renewal.html").read_text(encoding="utf-8")


def test_renewal_without_data_is_a_no(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    set_time(monkeypatch, timestamp("2028-01-03T09:00"))
    printed = cli("renewal", "--months", "2", code=1)
    assert "no data was recorded in the last 2 months" in printed.err
    assert not list(Path.cwd().glob("lictui-renewal*"))


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--group", "emae"), "unknown group"),
        (("--basis", "p50"), "p50"),
        (("--headroom", "-1"), "-1"),
        (("-o", "file/pack"), "cannot create file/pack"),
        (("-o", "-"), "several files"),
    ],
)
def test_renewal_refuses_invalid_options(args: tuple[str, str], message: str, cli: Cli) -> None:
    Path("file").touch()
    assert message in cli.refused("renewal", *args)
