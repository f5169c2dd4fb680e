from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lictui.config.loader import load_settings
from lictui.config.settings import Action
from lictui.errors import ConfigError
from lictui.model import AlertEvent, AlertKey, AlertKind, AlertState, AlertTransition, Level
from lictui.paths import Paths

if TYPE_CHECKING:
    from pathlib import Path

SAID = AlertEvent(
    AlertTransition.RAISED,
    0.0,
    AlertState(AlertKey("lic-01", AlertKind.USAGE, "P"), Level.CRITICAL, "m", group="emea"),
)


def actions(folder: Path, text: str) -> tuple[Action, ...]:
    (folder / "config.toml").write_text(text)
    return load_settings(Paths(folder, folder)).actions


def test_every_key_is_read(tmp_path: Path) -> None:
    found = actions(
        tmp_path,
        """
        [actions.pager]
        on = ["usage", "expiry"]
        level = "critical"
        servers = ["a"]
        groups = ["emea"]
        command = ["/bin/page", "-x"]
        webhook = "https://hooks.example/x"
        secret = "file:hook.key"
        verify = "ca.pem"
        timeout = 5
        bell = true
        osc9 = true
        [actions.other]
        bell = true
        """,
    )
    assert found == (
        Action(
            "pager", ("usage", "expiry"), "critical", ("a",), ("emea",), ("/bin/page", "-x"),
            "https://hooks.example/x", f"file:{tmp_path}/hook.key", f"{tmp_path}/ca.pem", 5.0,
            bell=True, osc9=True,
        ),
        Action("other", bell=True),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('on = ["usag"]', "did you mean usage?"),
        ('level = "ok"', "must be one of"),
        ("command = []", "must not be empty"),
        ('command = "rm -rf"', "must be a list"),
        ('webhook = "ftp://x"', "must be a URL"),
        ('webhook = "https://u:hunter2@x/"', "must not contain credentials"),
        ('secret = "hunter2"', "not the secret itself"),
        ('secret = "env:HOOK"', "requires webhook"),
        ("bel = true", "did you mean bell?"),
        ("timeout = 0", "must be from 1"),
        ("", "has no effect"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, line: str, said: str) -> None:
    works = "" if line in ("", "bel = true") else "\nosc9 = true"
    with pytest.raises(ConfigError) as caught:
        actions(tmp_path, f"[actions.pager]{works}\n{line}\n")
    told = str(caught.value)
    assert said in told
    assert "config.toml:" in told
    assert "hunter2" not in told


def test_an_action_that_is_no_table_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        actions(tmp_path, "[actions]\npager = 1\n")


@pytest.mark.parametrize(
    ("action", "wanted"),
    [
        (Action("a"), True),
        (Action("a", on=("usage",)), True),
        (Action("a", on=("expiry",)), False),
        (Action("a", level="critical"), True),
        (Action("a", level="overdraft"), False),
        (Action("a", servers=("lic-01",), groups=("emea",)), True),
        (Action("a", servers=("lic-02",)), False),
        (Action("a", groups=("us",)), False),
    ],
)
def test_who_wants_what(action: Action, *, wanted: bool) -> None:
    assert action.matches(SAID) is wanted
    assert not action.matches(replace(SAID, transition=AlertTransition.BETTER))
