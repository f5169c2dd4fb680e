"""The door, without a socket: no token breaks it."""

from __future__ import annotations

from base64 import b64decode, b64encode

import spnego
from hypothesis import given
from hypothesis import strategies as st

from lictui.simulator.http import Connection, Request, SimulatedReply
from lictui.simulator.winrm_auth import AcceptedLogin, LoginAcceptor, WindowsAccount


def knock(
    login: LoginAcceptor, connection: Connection, token: bytes
) -> AcceptedLogin | SimulatedReply:
    header = {"authorization": f"Negotiate {b64encode(token).decode()}"}
    return login.authenticate(Request("POST", "/wsman", {}, header, b""), connection, deny=False)


@given(
    protocol=st.sampled_from(["ntlm", "negotiate"]),
    last=st.booleans(),
    end=st.integers(0, 2000),
    changes=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=4),
)
def test_no_token_breaks_the_door(
    protocol: str,
    last: bool,  # noqa: FBT001 - hypothesis passes it by name
    end: int,
    changes: list[tuple[int, int]],
) -> None:
    login = LoginAcceptor(WindowsAccount("svc", "secret"), "lic-01", frozenset({"negotiate"}))
    connection = Connection()
    client = spnego.client("svc", "secret", protocol=protocol)
    token = client.step() or b""
    if last:
        challenge = knock(login, connection, token)
        token = client.step(b64decode(challenge.headers[0][1].removeprefix("Negotiate "))) or b""
    spoilt = bytearray(token[:end])
    for at, byte in changes:
        spoilt[at : at + 1] = bytes([byte])
    answer = knock(login, connection, bytes(spoilt))
    # A bit that means nothing may be changed; a token that was cut off means nothing at all.
    assert isinstance(answer, (AcceptedLogin, SimulatedReply))
    if end < len(token) // 2:
        assert isinstance(answer, SimulatedReply)
        assert answer.status == 401
