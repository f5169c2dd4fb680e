"""Options of the monitor, and leaving it by a signal."""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Callable
from datetime import datetime
from io import BytesIO, TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

import pytest

from lictui.cli.context import configure_logging
from lictui.cli.monitor import _demo_start, _with_options, exit_on_signal
from lictui.cli.options import MonitorOptions
from lictui.clock import SystemClock
from lictui.config.settings import Settings


@pytest.mark.parametrize(
    ("option", "configured", "encoding", "is_ascii"),
    [
        (None, False, "utf-8", False),
        (None, True, "utf-8", True),
        (None, False, "latin-1", True),
        (True, False, "utf-8", True),
        (False, True, "latin-1", False),  # --unicode
    ],
)
def test_symbols_are_those_of_the_terminal_unless_an_option_is_given(
    *,
    option: bool | None,
    configured: bool,
    encoding: str,
    is_ascii: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.__stdout__", TextIOWrapper(BytesIO(), encoding))
    settings = _with_options(Settings(ascii=configured), MonitorOptions(ascii=option))
    assert settings.ascii == is_ascii


def test_forced_exit_closes_everything_before_the_program_continues(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    exit_codes: list[int] = []
    closing, has_left = threading.Event(), threading.Event()
    overtaken: list[bool] = []

    def close() -> None:
        closing.set()
        overtaken.append(has_left.wait(0.2))

    monkeypatch.setattr("lictui.cli.monitor.EXIT_TIMEOUT", 0.0)
    monkeypatch.setattr("lictui.cli.monitor._wait_for_hangup", lambda _: None)
    monkeypatch.setattr("os._exit", exit_codes.append)
    with exit_on_signal(on_exit=lambda: None, close=close):
        signal.raise_signal(signal.SIGTERM)
        assert closing.wait(30)
    has_left.set()
    assert (overtaken[0], exit_codes) == (False, [0])


def test_log_files_and_their_folders_are_private(tmp_path: Path) -> None:
    file = tmp_path / "state" / "lictui" / "lictui.log"
    previous = os.umask(0)
    try:
        configure_logging(file, "info")
        (handler,) = logging.getLogger().handlers
        assert isinstance(handler, RotatingFileHandler)
        handler.doRollover()
        logging.getLogger("test").info("a line")
    finally:
        os.umask(previous)
        configure_logging(None, "warning")
    assert sorted(entry.name for entry in file.parent.iterdir()) == ["lictui.log", "lictui.log.1"]
    assert {entry.stat().st_mode & 0o777 for entry in file.parent.iterdir()} == {0o600}
    assert {folder.stat().st_mode & 0o777 for folder in (file.parent, tmp_path / "state")} == {
        0o700
    }


def test_log_that_cannot_be_written_is_said_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    configure_logging(tmp_path / "file" / "data" / "lictui.log", "info")
    logging.getLogger("test").warning("lost")
    configure_logging(None, "warning")
    assert capsys.readouterr().err.count("no log: ") == 1
    assert not logging.raiseExceptions


def test_orderly_exit_is_not_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr("lictui.cli.monitor._wait_for_hangup", lambda _: None)
    handler = signal.getsignal(signal.SIGTERM)

    async def screen() -> None:
        loop, left = asyncio.get_running_loop(), asyncio.Event()

        def leave() -> None:
            calls.append("exit")
            assert threading.current_thread() is not threading.main_thread()  # it wakes the loop
            loop.call_soon_threadsafe(left.set)

        with exit_on_signal(leave, lambda: calls.append("close")):
            signal.raise_signal(signal.SIGTERM)
            await left.wait()

    asyncio.run(screen())
    assert calls == ["exit", "close"]
    assert signal.getsignal(signal.SIGTERM) is handler


def test_signals_are_one_request_to_leave(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[str] = []
    is_noticed, is_asked = threading.Event(), threading.Event()

    def wait_for_hangup(leave: Callable[[], None]) -> None:
        leave()
        is_noticed.set()

    def close() -> None:
        calls.append("close")
        signal.raise_signal(signal.SIGHUP)
        calls.append("closed")

    monkeypatch.setattr("lictui.cli.monitor._wait_for_hangup", wait_for_hangup)
    monkeypatch.setattr("os._exit", lambda code: calls.append(f"forced {code}"))

    def leave() -> None:
        calls.append("exit")
        is_asked.set()

    with exit_on_signal(leave, close):
        assert is_noticed.wait(30)
        assert is_asked.wait(30)
        signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
    assert calls == ["exit", "close", "closed"]


def test_stalled_close_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    has_ended = threading.Event()
    ended: list[bool] = []
    monkeypatch.setattr("lictui.cli.monitor.CLOSE_TIMEOUT", 0.0)
    monkeypatch.setattr("lictui.cli.monitor._wait_for_hangup", lambda _: None)
    monkeypatch.setattr("lictui.cli.monitor._terminal_restorer", lambda: lambda: ended.append(True))
    monkeypatch.setattr("os._exit", lambda _: has_ended.set())
    with exit_on_signal(lambda: None, lambda: ended.append(has_ended.wait(30))):
        signal.raise_signal(signal.SIGHUP)
    assert ended == [True, True]  # the terminal is restored, and the close had not ended


@pytest.mark.parametrize(
    ("now", "start"),
    [
        ("2026-11-30 01:25", "2026-11-30 10:30"),  # a Monday
        ("2026-11-29 23:00", "2026-11-27 10:30"),
        ("2026-12-26 12:00", "2026-12-24 10:30"),  # a Saturday, after Christmas Day
    ],
)
@pytest.mark.parametrize("speed", [1.0, 60.0])
def test_demo_starts_in_the_morning_of_a_working_day(now: str, start: str, speed: float) -> None:
    moment, expected = (
        datetime.fromisoformat(text).astimezone().timestamp() for text in (now, start)
    )
    assert _demo_start(moment) == expected
    clock = SystemClock(speed, expected)
    assert 0 <= clock.now() - expected <= 60 * speed
