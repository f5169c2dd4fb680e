from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from lictui.config.reload import load_state, save_state
from lictui.errors import LictuiError
from lictui.paths import Paths

if TYPE_CHECKING:
    from pathlib import Path

LEFT = {"view": "estate", "sort": "ratio", "filter": 'a[/x] b"'}


def test_what_was_left_is_found(tmp_path: Path) -> None:
    paths = Paths(tmp_path, tmp_path / "data")
    assert load_state(paths) == {}
    save_state(paths, LEFT)
    assert load_state(paths) == LEFT
    assert stat.S_IMODE(paths.state.stat().st_mode) == 0o600


@pytest.mark.parametrize("raw", [b"view = ", b"\xff\xfe", b"[view]", b"\x00"])
def test_a_damaged_one_is_as_if_it_were_not_there(tmp_path: Path, raw: bytes) -> None:
    paths = Paths(tmp_path, tmp_path)
    paths.state.write_bytes(raw)
    assert load_state(paths) == {}
    save_state(paths, LEFT)
    assert load_state(paths) == LEFT


def test_what_can_be_read_of_it_is_kept(tmp_path: Path) -> None:
    paths = Paths(tmp_path, tmp_path)
    paths.state.write_text('view = "alerts"\nsort = 5\n[old]\nx = 1\n')
    assert load_state(paths) == {"view": "alerts"}


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LictuiError, match=r"state\.toml cannot be written"):
        save_state(Paths(tmp_path, tmp_path / "file"), LEFT)
