"""A WinRM listener that lets in by NTLM, small enough to misbehave on demand."""

import asyncio
import base64
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import spnego
from spnego.channel_bindings import GssChannelBindings
from tests.sources.winrm.wsman_replies import MESSAGE_ID, SOAP, WsmanRequest
from tests.support.tcp_server import tcp_server

from lictui.sources.winrm.auth import seal, sealed_content_type, unseal

PASSWORD = "correct horse"


@dataclass
class NtlmServer:
    """Answers each SOAP body with `answer`; the switches below make it break the rules."""

    answer: Callable[[WsmanRequest], bytes]
    offers: str = "Negotiate"
    tls: ssl.SSLContext | None = None
    bindings: bytes = b""  # the channel a client must have bound its login to
    scheme: str = "Negotiate"
    blank: bytes = b""  # between the dashes and the words of a boundary
    close_between_legs: bool = False
    close_after_login: bool = False
    shut_out_after: int = 10**6  # questions that one login is good for
    clear: int = 0  # the status with which it answers sealed questions in the clear
    forge: bool = False  # changes one bit of what it seals
    connections: int = 0
    logins: int = 0
    seen: list[bytes] = field(default_factory=list)  # every body that came, as it came

    async def __aenter__(self) -> Self:
        self._writers: list[asyncio.StreamWriter] = []
        self._running = tcp_server(self._serve, self.tls)
        self.port = await self._running.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._running.__aexit__(None, None, None)

    def drop(self) -> None:
        """Close every connection, as a restart does."""
        for writer in self._writers:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        self.connections += 1
        await _Connection(self, reader, writer).run()


class _Connection:
    def __init__(
        self, server: NtlmServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._server, self._reader, self._writer = server, reader, writer
        self._context: spnego.ContextProxy | None = None
        self._questions = 0

    async def run(self) -> None:
        while True:
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
            length = re.search(r"content-length: (\d+)", head, re.IGNORECASE)
            body = await self._reader.readexactly(int(length[1]) if length else 0)
            self._server.seen.append(body)
            token = re.search(rf"authorization: {self._server.scheme} (\S+)", head, re.IGNORECASE)
            if token:
                if self._log_in(base64.b64decode(token[1])):
                    return
            elif not (self._context and self._context.complete) or (
                self._questions >= self._server.shut_out_after
            ):
                self._context = None
                self._send(401, f"WWW-Authenticate: {self._server.offers}\r\n", b"")
            else:
                self._questions += 1
                self._reply(body)

    def _log_in(self, token: bytes) -> bool:
        if self._context is None or self._context.complete:
            bindings = self._server.bindings
            protocol = "ntlm" if self._server.scheme == "NTLM" else "negotiate"
            self._context = spnego.server(
                protocol=protocol,
                options=spnego.NegotiateOptions[f"use_{protocol}"],
                channel_bindings=GssChannelBindings(application_data=bindings)
                if bindings
                else None,
            )
        try:
            answer = self._context.step(token)
        except Exception:  # noqa: BLE001 - an acceptor breaks in many ways, and then refuses
            self._context = None
            self._send(401, f"WWW-Authenticate: {self._server.offers}\r\n", b"")
            return False
        written = base64.b64encode(answer or b"").decode()
        done = self._context.complete
        self._server.logins += done
        closes = self._server.close_between_legs or (done and self._server.close_after_login)
        close = "Connection: close\r\n" if closes else ""
        header = f"WWW-Authenticate: {self._server.scheme} {written}\r\n" if written else ""
        self._send(200 if done else 401, header + close, b"")
        return closes

    def _reply(self, body: bytes) -> None:
        assert self._context
        sealed = b"Encrypted Boundary" in body
        request = WsmanRequest(unseal(body, self._context) if sealed else body)
        answer = self._server.answer(request).replace(MESSAGE_ID.encode(), request.message.encode())
        kind = SOAP
        if sealed and not self._server.clear:
            kind, answer = sealed_content_type("SPNEGO"), seal(answer, self._context, "SPNEGO")
            if self._server.forge:
                data, end, _ = answer.rpartition(b"--Encrypted Boundary--")
                answer = data[:-1] + bytes([data[-1] ^ 1]) + end + b"\r\n"
            answer = answer.replace(b"--Encrypted", b"--" + self._server.blank + b"Encrypted")
        self._send(self._server.clear or 200, f"Content-Type: {kind}\r\n", answer)

    def _send(self, status: int, headers: str, body: bytes) -> None:
        head = f"HTTP/1.1 {status} -\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
        self._writer.write(head.encode() + body)


def users(folder: Path) -> str:
    """A file with the one user the acceptor knows, for NTLM_USER_FILE."""
    file = folder / "users"
    file.write_text(f"CORP:svc:{PASSWORD}\n")
    return str(file)
