"""Leaving the monitor by a signal."""

import signal
import threading

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
    assert (overtaken, exit_codes) == ([False], [0])


def test_orderly_exit_is_not_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr("lictui.cli.monitor._wait_for_hangup", lambda _: None)
    handler = signal.getsignal(signal.SIGTERM)
    with exit_on_signal(lambda: calls.append("exit"), lambda: calls.append("close")):
        signal.raise_signal(signal.SIGTERM)
    assert calls == ["exit"]
    assert signal.getsignal(signal.SIGTERM) is handler
