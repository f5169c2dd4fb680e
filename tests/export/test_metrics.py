"""The metrics of a running lictui over HTTP, and in a file."""

import os
import random
import socket
import stat
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from queue import SimpleQueue

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from tests.support.values import pool, status_up

from lictui.cli.context import parse_address
from lictui.clock import SystemClock
from lictui.engine.board import Board
from lictui.engine.merge import merge_board
from lictui.errors import UsageError
from lictui.export import metrics
from lictui.export.metrics import MetricsPublisher

BOARD = merge_board(Board((status_up("a", pool()),)))


@pytest.fixture
def port() -> Iterator[int]:
    publisher = MetricsPublisher(SystemClock())
    try:
        publisher.publish(BOARD)
        yield publisher.listen("127.0.0.1", 0)[1]
    finally:
        publisher.stop()


def request(port: int, method: str = "GET", path: str = "/metrics") -> tuple[HTTPResponse, bytes]:
    with closing(HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request(method, path)
        response = connection.getresponse()
        return response, response.read()


def test_metrics_are_served_with_their_content_type(port: int) -> None:
    response, body = request(port, path="/metrics?x=1")
    expected = "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert (response.status, response.headers["Content-Type"]) == (200, expected)
    families = {family.name for family in text_string_to_metric_families(body.decode())}
    assert "citrix_license_in_use" in families
    head, nothing = request(port, "HEAD")
    assert (head.headers["Content-Length"], nothing) == (str(len(body)), b"")
    assert request(port, path="/")[0].status == 404
    assert request(port, "POST")[0].status == 405


def test_slow_clients_lose_their_connection_and_block_nobody(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connect(first: bytes) -> socket.socket:
        client = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30))
        client.sendall(first)
        return client

    def is_ended(client: socket.socket) -> bool:
        try:
            return client.recv(99) == b""
        except ConnectionResetError:  # it had sent more than was read
            return True

    with ExitStack() as stack:
        monkeypatch.setattr(metrics, "_CONNECTIONS", 3)
        for _ in range(3):
            connect(b"GET /metrics HT")
        with pytest.raises(OSError, match=r"reset|without response|closed"):
            request(port)  # all slots are taken
        monkeypatch.setattr(metrics, "_CONNECTIONS", 33)
        monkeypatch.setattr(metrics, "_CONNECTION_TIMEOUT", 0.05)
        assert is_ended(connect(b"GET /metrics HTTP/1.1\r\nX: "))  # ends by itself
        monkeypatch.setattr(metrics, "_CONNECTION_TIMEOUT", 30.0)
        assert is_ended(connect(b"\0\r\n\r\n"))
        assert is_ended(connect(b"GET / HTTP/1.1\r\nX: " + b"x" * 20_000))
        assert request(port)[0].status == 200


def test_any_bytes_end_in_an_answer_or_a_closed_connection(port: int) -> None:
    noise = random.Random(7)  # noqa: S311 - any bytes, the same in every run
    for size in range(60):
        start = (b"", b"GET /metrics HTTP/1.1\r\n", b"\r\n\r\n")[size % 3]
        connection = socket.create_connection(("127.0.0.1", port), timeout=30)
        with connection as client, suppress(ConnectionError):
            client.sendall(start + noise.randbytes(size))
            client.shutdown(socket.SHUT_WR)
            while client.recv(1 << 16):
                pass
    assert request(port)[0].status == 200


def test_open_connections_end_without_a_word_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    publisher = MetricsPublisher(SystemClock())
    port = publisher.listen("127.0.0.1", 0)[1]
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"GET /metrics HT")
        assert request(port)[0].status == 200  # the first connection was accepted before
        publisher.stop()
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("9877", ("127.0.0.1", 9877)),
        (":9877", ("127.0.0.1", 9877)),
        ("0.0.0.0:80", ("0.0.0.0", 80)),  # noqa: S104 - on purpose
        ("[::1]:80", ("::1", 80)),
        ("host", None),
        ("host:0", ("host", 0)),
        ("host:65536", None),
    ],
)
def test_address_is_on_loopback_unless_it_has_a_host(
    text: str, address: tuple[str, int] | None
) -> None:
    if address:
        assert parse_address(text) == address
    else:
        with pytest.raises(UsageError, match="invalid address"):
            parse_address(text)


def test_address_in_use_is_an_error(port: int) -> None:
    publisher = MetricsPublisher(SystemClock())
    with pytest.raises(UsageError, match=f"cannot listen on 127.0.0.1:{port}"):
        publisher.listen("127.0.0.1", port)
    publisher.stop()


def test_textfile_is_complete_and_readable_for_other_users(tmp_path: Path) -> None:
    file, created = tmp_path / "lictui.prom", tmp_path / "pipe"
    os.mkfifo(created)
    publisher = MetricsPublisher(SystemClock(), file)
    with pytest.MonkeyPatch.context() as patch:
        replace = Path.replace

        def replaced(source: Path, target: Path) -> Path:
            assert not source.name.endswith(".prom")  # node_exporter must not read it
            done = replace(source, target)
            created.write_bytes(b"x")
            return done

        patch.setattr(Path, "replace", replaced)
        publisher.publish(BOARD)
        assert created.read_bytes() == b"x"
    publisher.stop()
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert file.read_text().endswith("# EOF\n")
    with pytest.raises(UsageError, match="no such folder"):
        MetricsPublisher(SystemClock(), tmp_path / "none" / "x.prom")


def test_textfile_that_cannot_be_written_is_reported_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    attempts: SimpleQueue[None] = SimpleQueue()

    def fail(*_: object, **__: object) -> None:
        attempts.put(None)
        raise OSError("disk full")

    monkeypatch.setattr(metrics, "write_private", fail)
    monkeypatch.setattr(metrics, "_FILE_INTERVAL", 0.0)
    publisher = MetricsPublisher(SystemClock(), tmp_path / "x.prom")
    for _ in range(3):
        publisher.publish(BOARD)
        attempts.get(timeout=30)
    publisher.stop()
    assert caplog.messages == ["metrics cannot be written: disk full"]
