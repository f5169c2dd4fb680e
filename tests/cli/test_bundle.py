"""`lictui bundle` and what `--replay` accepts."""

import json
import zipfile
from pathlib import Path

import pytest
from tests.cli.conftest import WINRM, Cli
from tests.history.history_fixture import MIDNIGHT, HistoryFixture

from lictui.cli.bundle import opened_bundle
from lictui.config.loader import load_settings
from lictui.config.registry import load_servers
from lictui.errors import UsageError
from lictui.paths import Paths

SPAN = ("--from", "2026-11-24T00:00+00:00", "--to", "2026-11-24T06:00+00:00")
CONFIG = '[alerts.group.emea]\nwarn = 0.5\n[actions.x]\ncommand = ["page", "corp"]\n'


@pytest.fixture
def recorded(cli: Cli, paths: Paths) -> Paths:
    cli("servers", "add", "lic-01", *WINRM, "--group", "emea")
    cli("servers", "add", "lic-02", "--source", "lmstat", "--set", "address=27000@host.corp")
    paths.config.write_text(CONFIG)
    fixture = HistoryFixture(paths.history)
    fixture.poll_series(MIDNIGHT, [5, 6, 7])
    fixture.close()
    return paths


@pytest.mark.usefixtures("recorded")
def test_bundle_opens_elsewhere_without_addresses_and_secrets(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "incident.lictui"
    cli("bundle", *SPAN, "-o", str(file))
    with opened_bundle(file) as (paths, first, last):
        assert (first, last) == (MIDNIGHT, MIDNIGHT + 6 * 3600)
        lic, flex = load_servers(paths)
        assert (lic.name, lic.group, lic.url) == (
            "lic-01",
            "emea",
            "https://bundle.invalid:5986/wsman",
        )
        assert flex.address == "27000@bundle.invalid"
        settings = load_settings(paths)
        assert settings.alerts.thresholds_of(lic).warn == 0.5
        assert settings.actions == ()
        text = "".join(p.read_text() for p in paths.config_dir.iterdir() if p.suffix != ".db")
        assert not [
            word for word in ("env:P", "lic01", "host.corp", "page", "CORP") if word in text
        ]
        folder = paths.config_dir
    assert not folder.exists()


@pytest.mark.usefixtures("recorded")
def test_scrubbed_bundle_has_no_name(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "incident.lictui"
    cli("bundle", *SPAN, "--scrub", "-o", str(file))
    with opened_bundle(file) as (paths, _, _):
        data = b"".join(path.read_bytes() for path in paths.config_dir.iterdir()).lower()
        assert not [name for name in (b"lic-0", b"emea", b"corp") if name in data]
        assert [server.name for server in load_servers(paths)] == ["server-01", "server-02"]
        group = load_servers(paths)[0].group
        assert load_settings(paths).alerts.group == {group: {"warn": 0.5}}


@pytest.mark.usefixtures("recorded")
def test_bundle_refuses_wrong_spans(cli: Cli, tmp_path: Path) -> None:
    file = str(tmp_path / "x")
    assert "invalid time" in cli("bundle", "--from", "someday", "-o", file, code=2).err
    wrong = ("--from", "2026-11-24", "--to", "2026-11-23")
    assert "--to must be later" in cli("bundle", *wrong, "-o", file, code=2).err


FILES = ("config.toml", "servers.toml", "history.db")


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({}, "not a bundle of lictui"),
        ({"bundle.json": "{}"}, "not a bundle of lictui"),
        ({"bundle.json": "[1]", "config.toml": "", "servers.toml": "", "history.db": ""}, "bundle"),
        ({"bundle.json": "[" * 99_999, **dict.fromkeys(FILES, "")}, "not a bundle of lictui"),
        ({"bundle.json": " " * 2**25, **dict.fromkeys(FILES, "")}, "too large"),
        (
            {
                "bundle.json": json.dumps({"schema": "lictui.bundle/9"}),
                **dict.fromkeys(FILES, ""),
            },
            "another version",
        ),
    ],
)
def test_replay_refuses_other_files(tmp_path: Path, files: dict[str, str], reason: str) -> None:
    file = tmp_path / "x"
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in {**files, "../../evil": "x"}.items():
            archive.writestr(name, text)
    with pytest.raises(UsageError, match=reason), opened_bundle(file):
        pass
    assert not list(tmp_path.parent.glob("evil"))
    file.write_text("not an archive")
    with pytest.raises(UsageError, match="not a bundle"), opened_bundle(file):
        pass
