import json
import sys
from importlib import metadata
from pathlib import Path

import pytest

from lictui.installation import extra_command

WHEEL = "/srv/wheels/lictui-0.1.0-py3-none-any.whl"


class FakeDistribution:
    def __init__(self, direct_url: object) -> None:
        self._direct_url = direct_url

    def read_text(self, name: str) -> str | None:
        assert name == "direct_url.json"
        return None if self._direct_url is None else json.dumps(self._direct_url)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return the environment that lictui seems to be installed in: a wheel, in a plain venv."""
    install_from(monkeypatch, {"url": f"file://{WHEEL}", "archive_info": {}})
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(sys, "executable", "/venv/bin/python")
    return tmp_path


def install_from(monkeypatch: pytest.MonkeyPatch, direct_url: object) -> None:
    monkeypatch.setattr(metadata, "distribution", lambda _name: FakeDistribution(direct_url))


@pytest.mark.parametrize(
    ("record", "command"),
    [
        ("nothing", "/venv/bin/python -m pip install"),
        ("uv-receipt.toml", "uv tool install --force"),
        ("pipx_metadata.json", "pipx install --force"),
    ],
)
def test_extra_is_installed_with_the_tool_that_manages_the_environment(
    installed: Path, record: str, command: str
) -> None:
    (installed / record).touch()
    assert extra_command("keyring") == f"{command} '{WHEEL}[keyring]'"


def test_extra_of_a_clone_is_installed_with_its_script(
    installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = installed / "my clone"
    (clone / ".ci").mkdir(parents=True)
    (clone / ".ci" / "environment.py").touch()
    install_from(monkeypatch, {"url": clone.as_uri(), "dir_info": {"editable": True}})
    by_pip = f"/venv/bin/python -m pip install --editable '{clone}[report]'"
    assert extra_command("report") == by_pip
    monkeypatch.setattr(sys, "prefix", str(clone / ".venv"))
    assert extra_command("report") == f"python3 '{clone}/.ci/environment.py' report"
    monkeypatch.chdir(clone)
    assert extra_command("report") == "python3 .ci/environment.py report"


@pytest.mark.parametrize(
    "direct_url", [None, [], {"url": "git+https://host/lictui"}, {"dir_info": {}}]
)
def test_extra_without_a_local_origin_names_its_packages(
    installed: Path, monkeypatch: pytest.MonkeyPatch, direct_url: object
) -> None:
    install_from(monkeypatch, direct_url)
    monkeypatch.setattr(
        metadata,
        "requires",
        lambda _name: ["click>=8", "XlsxWriter>=3.2; extra == 'report'", 'x; extra == "keyring"'],
    )
    assert extra_command("report") == "/venv/bin/python -m pip install 'XlsxWriter>=3.2'"
    assert installed.is_dir()
