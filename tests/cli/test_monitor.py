"""Leaving the monitor by a signal."""

import signal
import threading
from collections.abc import Callable

import pytest

from lictui.cli.monitor import exit_on_signal


def test_forced_exit_closes_everything_before_the_program_goes_on(
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


def test_orderly_exit_is_not_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr("lictui.cli.monitor._wait_for_hangup", lambda _: None)
    handler = signal.getsignal(signal.SIGTERM)
    with exit_on_signal(lambda: calls.append("exit"), lambda: calls.append("close")):
        signal.raise_signal(signal.SIGTERM)
    assert calls == ["exit", "close"]
    assert signal.getsignal(signal.SIGTERM) is handler


def test_hangup_is_one_event_however_often_it_is_signalled(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    is_noticed = threading.Event()

    def wait_for_hangup(leave: Callable[[], None]) -> None:
        leave()
        is_noticed.set()

    def close() -> None:
        calls.append("close")
        signal.raise_signal(signal.SIGHUP)
        calls.append("closed")

    monkeypatch.setattr("lictui.cli.monitor._wait_for_hangup", wait_for_hangup)
    monkeypatch.setattr("os._exit", lambda code: calls.append(f"forced {code}"))
    with exit_on_signal(lambda: calls.append("exit"), close):
        assert is_noticed.wait(30)
        signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGTERM)
    assert calls == ["exit", "close", "closed"]


def test_second_termination_is_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr("lictui.cli.monitor._wait_for_hangup", lambda _: None)
    monkeypatch.setattr("os._exit", lambda code: calls.append(f"forced {code}"))
    with exit_on_signal(lambda: calls.append("exit"), lambda: None):
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
    assert calls == ["exit", f"forced {128 + signal.SIGTERM}"]


def test_stalled_close_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    has_ended = threading.Event()
    ended: list[bool] = []
    monkeypatch.setattr("lictui.cli.monitor.CLOSE_TIMEOUT", 0.0)
    monkeypatch.setattr("lictui.cli.monitor._wait_for_hangup", lambda _: None)
    monkeypatch.setattr("os._exit", lambda _: has_ended.set())
    with exit_on_signal(lambda: None, lambda: ended.append(has_ended.wait(30))):
        signal.raise_signal(signal.SIGHUP)
    assert ended == [True]
