"""The demo in this process: served from a thread, and gone without a trace."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest

from lictui.config.registry import load_servers
from lictui.errors import LictuiError
from lictui.paths import make_folder
from lictui.simulator import demo as demo_module
from lictui.simulator.demo import Demo

if TYPE_CHECKING:
    from pathlib import Path

    from lictui.paths import Paths


def _plain(paths: Paths) -> str:
    return next(server.url for server in load_servers(paths) if server.url.startswith("http://"))


def _ask(url: str) -> int:
    try:
        urllib.request.urlopen(url, data=b"", timeout=5)  # noqa: S310 - our own http URL
    except urllib.error.HTTPError as answer:
        answer.close()
        return answer.code
    raise AssertionError("a server that asks for no password")


def test_it_serves_while_the_block_lasts_and_leaves_nothing() -> None:
    with Demo(1, 60.0, past=False) as demo:
        root = demo.paths.config_dir.parent
        url = _plain(demo.paths)
        assert _ask(url) == 401
        assert demo.clock.speed == 60
    assert not root.exists()
    with pytest.raises(urllib.error.URLError):
        _ask(url)
    assert "simulator" not in {thread.name for thread in threading.enumerate()}


def test_it_leaves_nothing_after_an_error_either() -> None:
    demo, roots = Demo(1, past=False), []
    with pytest.raises(ZeroDivisionError), demo:  # noqa: PT012 - the block is what is tested
        roots.append(demo.paths.config_dir.parent)
        raise ZeroDivisionError
    assert not roots[0].exists()
    with pytest.raises(RuntimeError):
        _ = demo.paths


def test_what_keeps_it_from_starting_is_raised_and_cleaned_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    roots: list[Path] = []

    async def fail(_estate: object, _clock: object, config_dir: Path, **_options: object) -> None:
        make_folder(config_dir)
        roots.append(config_dir.parent)
        raise LictuiError("cannot listen")

    monkeypatch.setattr(demo_module, "start", fail)
    with pytest.raises(LictuiError, match="cannot listen"), Demo(1, past=False):
        pass
    assert not roots[0].exists()
    assert "simulator" not in {thread.name for thread in threading.enumerate()}


def test_two_demos_do_not_disturb_each_other() -> None:
    with Demo(1, past=False) as first, Demo(2, past=False) as second:
        assert first.paths != second.paths
        assert _ask(_plain(first.paths)) == _ask(_plain(second.paths)) == 401
