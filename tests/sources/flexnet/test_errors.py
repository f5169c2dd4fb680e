from __future__ import annotations

import pytest
from tests.support.lmstat import CITRIX, HEAD, notice, parse_error, parse_output

from lictui.model import FailureKind, Level, Step


@pytest.mark.parametrize(
    ("said", "kind", "step"),
    [
        ('(-15,570:111 "Connection refused")', FailureKind.REFUSED, Step.CONNECT),
        ('(-15,10:10061 "WinSock: Connection refused")', FailureKind.REFUSED, Step.CONNECT),
        ('(-15,570:115 "Operation now in progress")', FailureKind.TIMEOUT, Step.CONNECT),
        ('(-15,570:110 "Connection timed out")', FailureKind.TIMEOUT, Step.CONNECT),
        ('(-15,570:113 "No route to host")', FailureKind.REFUSED, Step.CONNECT),
        ("(-15,570)", FailureKind.REFUSED, Step.CONNECT),
        ("without a number: connection timed out", FailureKind.TIMEOUT, Step.CONNECT),
        ("", FailureKind.REFUSED, Step.CONNECT),
        ('(-14,7:2 "No such file or directory")', FailureKind.DNS, Step.RESOLVE),
        ('(-96,491:11001 "Winsock: Host not found")', FailureKind.DNS, Step.RESOLVE),
        ("(-96,287)", FailureKind.TIMEOUT, Step.CONNECT),
        ("(-16,287)", FailureKind.PROTOCOL, Step.INVENTORY),
        ("(-1,359)", FailureKind.CONFIG, Step.INVENTORY),
        ("(-97,121)", FailureKind.UNAVAILABLE, Step.INVENTORY),
        ("(-999,1)", FailureKind.COMMAND, Step.INVENTORY),
    ],
)
@pytest.mark.parametrize(
    "start",
    [
        "Error getting status: ",
        "lmgrd is not running: ",
        "lic01: ",
    ],
)
def test_fatal(start: str, said: str, kind: FailureKind, step: Step) -> None:
    error = parse_error(
        "lmutil - Copyright (c) 1989-2026 Flexera. All Rights Reserved.\n"
        f"License server status: 27000@lic01\n{start}Cannot connect to license server {said}\n"
    ).failure
    assert (error.kind, error.step) == (kind, step)
    assert "27000@lic01" in error.message
    assert error.hint


def test_a_license_file_that_is_not_there() -> None:
    text = "Error getting status: Cannot find license file.\nFilename: /nope.lic\n"
    assert parse_error(text).failure.kind is FailureKind.CONFIG


def test_all_of_a_system_down() -> None:
    text = "License server status: 1@a,1@b\na: license server DOWN\nb: license server DOWN v11\n"
    assert parse_error(text).failure.kind is FailureKind.REFUSED


def test_one_system_that_failed_beside_one_that_did_not() -> None:
    text = CITRIX + '\nError getting status: Cannot connect (-15,570:111 "Connection refused")\n'
    assert len(parse_output(text).pools) == 4
    assert notice(text, "did not answer").level is Level.WARN


def test_no_features() -> None:
    assert parse_error(HEAD.format(vendor="CITRIX")).failure.kind is FailureKind.NO_DATA


@pytest.mark.parametrize("text", ["", "\n\r\n", "bash: lmutil: command not found", "\0\x1b[31m"])
def test_no_output_of_lmstat(text: str) -> None:
    error = parse_error(text).failure
    assert error.kind is FailureKind.PARSE
    assert error.message.isprintable()
