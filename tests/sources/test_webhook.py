import asyncio
import json
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from tests.support.clock import START, FakeClock
from tests.support.polls import failure_from
from tests.support.tcp_server import TlsIdentity, http_reply, never_reply, tcp_server

from lictui.clock import SystemClock
from lictui.config.settings import Action, Limits
from lictui.engine.actions import ActionRunner, Message
from lictui.model import (
    AlertEvent,
    AlertKey,
    AlertKind,
    AlertState,
    AlertTransition,
    Event,
    FailureKind,
    Level,
)
from lictui.sources.source import SourceError
from lictui.sources.webhook import is_transient, post

LIMITS = Limits(timeout=10.0, connect_timeout=5.0)


ALERT = AlertEvent(
    AlertTransition.RAISED,
    START,
    AlertState(
        AlertKey("lic-01", AlertKind.USAGE, "XDT_PLT_UD"), Level.WARN, "85 of 100", raised_at=START
    ),
)


def receiver(
    requests: list[tuple[bytes, bytes]], *replies: bytes
) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    """Answers each request with the next reply, and keeps its head and body."""
    remaining = list(replies)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        requests.append((head, await reader.readexactly(length)))
        writer.write(remaining.pop(0))
        await writer.drain()

    return handle


async def post_to(url: str, **options: Any) -> None:
    await post(url, b"{}", LIMITS, now=START, message_id="m", **options)


async def act(runner: ActionRunner) -> None:
    """Submit the alert to the only action, and wait until it is done."""
    runner.submit((ALERT,))
    (queue,) = runner._queues.values()
    assert queue.task
    await asyncio.wait({queue.task})


@pytest.mark.parametrize("secret", ["s3cret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
async def test_posted_event_is_signed_as_standardwebhooks_verifies(secret: str) -> None:
    requests: list[tuple[bytes, bytes]] = []
    async with tcp_server(receiver(requests, http_reply(status="204 No Content"))) as port:
        url = f"http://127.0.0.1:{port}/hook?a=b"
        now = SystemClock().now()
        await post(url, b'{"a": 1}', LIMITS, now=now, message_id="msg_1", secret=secret)
    head, body = requests[0]
    assert head.startswith(b"POST /hook?a=b HTTP/1.1\r\n")
    assert secret.encode() not in head + body
    lines = [line.partition(": ") for line in head.decode().split("\r\n")]
    headers = {name: value for name, _, value in lines}
    verifier = Webhook(secret if secret.startswith("whsec_") else secret.encode())
    assert verifier.verify(body, headers) == {"a": 1}
    with pytest.raises(WebhookVerificationError):
        verifier.verify(body + b" ", headers)


@pytest.mark.parametrize(
    ("status", "again"),
    [("500 Oops", True), ("429 Slow", True), ("404 No", False), ("403 No", False)],
)
async def test_only_transient_failures_are_retried(status: str, *, again: bool) -> None:
    async with tcp_server(receiver([], http_reply(status=status))) as port:
        with pytest.raises(SourceError) as caught:
            await post_to(f"http://127.0.0.1:{port}/")
    assert status[:3] in caught.value.failure.message
    assert is_transient(caught.value) is again


async def test_redirect_does_not_show_the_path_of_the_url() -> None:
    redirect = b"HTTP/1.1 302 Found\r\nLocation: https://x.example/T1/s3cret\r\n\r\n"
    async with tcp_server(receiver([], redirect)) as port:
        failure = await failure_from(post_to(f"http://127.0.0.1:{port}/T1/s3cret"))
    assert "redirects to https://x.example/…" in failure.message


async def test_tls_is_verified(tmp_path: Path) -> None:
    identity = TlsIdentity("127.0.0.1")
    bundle = tmp_path / "ca.pem"
    bundle.write_bytes(identity.ca_pem)
    requests: list[tuple[bytes, bytes]] = []
    async with tcp_server(receiver(requests, http_reply()), identity.server) as port:
        url = f"https://127.0.0.1:{port}/"
        assert (await failure_from(post_to(url))).kind is FailureKind.TLS
        assert requests == []
        await post_to(url, verify=str(bundle))
    assert len(requests) == 1


async def test_action_retries_and_logs_a_failure_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LICTUI_HOOK", "s3cret")
    lines: list[Event] = []
    requests: list[tuple[bytes, bytes]] = []
    clock = FakeClock()
    acting = ActionRunner(clock, lines.append)
    busy = http_reply(status="503 Busy")
    async with tcp_server(
        receiver(requests, busy, busy, http_reply(), *[busy] * 12, http_reply())
    ) as port:
        monkeypatch.setenv("HOOK_URL", f"http://127.0.0.1:{port}/")
        action = Action("hook", webhook="env:HOOK_URL", secret="env:LICTUI_HOOK")

        async def happen() -> None:
            acting.actions = (action,)
            acting.submit((ALERT,))
            (run,) = acting._queues.values()
            assert run.task is not None
            while not run.task.done():
                await asyncio.wait({run.task}, timeout=0.01)
                await clock.advance(600)

        await happen()
        assert (len(requests), lines) == (3, [])
        await happen()
        await happen()
        assert [event.message.split(": failed")[0] for event in lines] == ["action hook"]
        assert "s3cret" not in lines[0].message
        await happen()
        assert lines[-1].message == "action hook: recovered"
    assert all(b"webhook-signature: v1," in head for head, _ in requests)
    (first, *_) = {head.split(b"webhook-id: ")[1][:36] for head, _ in requests}
    assert first.startswith(b"msg_")
    await acting.close()


async def test_dropped_events_are_reported_once(monkeypatch: pytest.MonkeyPatch) -> None:
    acted: list[Message] = []

    async def do(_: Action, message: Message, __: FakeClock) -> None:
        acted.append(message)

    monkeypatch.setattr("lictui.engine.actions._act", do)
    lines: list[Event] = []
    acting = ActionRunner(FakeClock(), lines.append, (Action("hook", webhook="http://a.test"),))
    for turn in (1, 2):
        acting.submit([ALERT] * 200)
        assert len(lines) == turn - 1
        for _ in range(3):
            acting.submit([ALERT] * 7)
        (queue,) = acting._queues.values()
        assert queue.task
        await queue.task
        assert len(acted) == 200 * turn
        assert [line.message.split(": ")[1] for line in lines] == [
            "more than 200 events are waiting"
        ] * turn


async def test_closing_ends_hanging_posts() -> None:
    acting = ActionRunner(FakeClock(), lambda _: None)
    async with tcp_server(never_reply) as port:
        acting.actions = (Action("hook", webhook=f"http://127.0.0.1:{port}/"),)
        acting.submit((ALERT,))
        await asyncio.sleep(0)
        await acting.close()
        await acting.close()


async def test_waiting_events_survive_a_restart_but_not_forever(tmp_path: Path) -> None:
    file, clock = tmp_path / "actions.json", FakeClock()
    requests: list[tuple[bytes, bytes]] = []
    async with tcp_server(never_reply) as port:
        hook = Action("hook", webhook=f"http://127.0.0.1:{port}/")
        first = ActionRunner(clock, lambda _: None, (hook,), file)
        first.submit((ALERT,))
        await first.close()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    async with tcp_server(receiver(requests, http_reply())) as port:
        hook = Action("hook", webhook=f"http://127.0.0.1:{port}/")
        second = ActionRunner(clock, lambda _: None, (hook,), file)
        for _ in range(2):  # the second time changes nothing
            second.restore()
            assert second.restoring
            await second.restoring
        (queue,) = second._queues.values()
        assert queue.task
        await queue.task
        await second.close()
    ((head, body),) = requests
    assert json.loads(body)["message"] == "85 of 100"
    assert Message.of(hook, ALERT).id.encode() in head
    assert json.loads(file.read_text()) == []
    for text in ("[[1]]", "nonsense", json.dumps([["hook", "id", START - 86401, {}]])):
        file.write_text(text)
        third = ActionRunner(clock, lambda _: None, (hook,), file)
        third.restore()
        assert third.restoring
        await third.restoring
        assert third._queues == {}


@pytest.mark.parametrize(
    ("template", "posted"),
    [
        ('{"text": {{ message | tojson }}}', b'{"text": "85 of 100"}'),
        ("{{ level }}: {{ server }}", b"warn: lic-01"),
        ('{"text": "{{ hostile }}"}', None),
        ('{"text": {{ message }}}', None),
        ("{{ message.__class__.__mro__ }}", None),
    ],
)
async def test_body_of_a_webhook_is_made_from_a_template(
    template: str, posted: bytes | None
) -> None:
    requests: list[tuple[bytes, bytes]] = []
    lines: list[Event] = []
    async with tcp_server(receiver(requests, http_reply())) as port:
        headers = {"Authorization": "Bearer abc"}
        action = Action("a", webhook=f"http://127.0.0.1:{port}/", body=template, headers=headers)
        await act(ActionRunner(FakeClock(), lines.append, (action,)))
    if posted is None:
        assert "the body cannot be made" in lines[0].message
    else:
        ((head, body),) = requests
        assert body == posted
        assert b"Authorization: Bearer abc" in head
    assert len(requests) == (posted is not None)


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")  # of apprise
async def test_message_is_sent_by_apprise(monkeypatch: pytest.MonkeyPatch) -> None:
    requests: list[tuple[bytes, bytes]] = []
    lines: list[Event] = []
    async with tcp_server(receiver(requests, http_reply(), http_reply(status="404 No"))) as port:
        monkeypatch.setenv("SERVICE", f"json://user:s3cret@127.0.0.1:{port}/")
        acting = ActionRunner(FakeClock(), lines.append, (Action("n", notify=("env:SERVICE",)),))
        await act(acting)
    sent = json.loads(requests[0][1])
    assert (sent["title"], sent["message"]) == ("lictui: warn: lic-01", "85 of 100")
    assert (sent["type"], lines) == ("warning", [])
    monkeypatch.setenv("SERVICE", "nonsense://s3cret")
    await act(acting)
    assert lines[0].message == "action n: failed: apprise knows no such service"
