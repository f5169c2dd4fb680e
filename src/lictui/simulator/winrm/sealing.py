"""Message encryption of WinRM (MS-WSMV 2.2.9.1): one SOAP body, sealed in a MIME envelope.

Owns the envelope's bytes. Must not know what is inside, nor how the keys were agreed on.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from spnego import ContextProxy

PROTOCOL: Final = "application/HTTP-SPNEGO-session-encrypted"
CONTENT_TYPE: Final = f'multipart/encrypted;protocol="{PROTOCOL}";boundary="Encrypted Boundary"'
# Clients write the boundaries with and without a blank after the dashes.
_FRAME: Final = re.compile(
    rb"--\s*Encrypted Boundary\r\n"
    rb"\s*Content-Type: " + re.escape(PROTOCOL.encode()) + rb"\r\n"
    rb"\s*OriginalContent: type=application/soap\+xml;charset=UTF-8;Length=(\d{1,10})\r\n"
    rb"--\s*Encrypted Boundary\r\n"
    rb"\s*Content-Type: application/octet-stream\r\n"
    rb"(.*)--\s*Encrypted Boundary--(?:\r\n)?",
    re.DOTALL | re.IGNORECASE,
)
_LENGTH: Final = struct.Struct("<I")


def seal(context: ContextProxy, body: bytes) -> bytes:
    """`body` as only the other end of `context` can read it."""
    header, data, padding = context.wrap_winrm(body)
    return b"".join(
        (
            b"--Encrypted Boundary\r\n",
            f"\tContent-Type: {PROTOCOL}\r\n".encode(),
            b"\tOriginalContent: type=application/soap+xml;charset=UTF-8;",
            f"Length={len(body) + padding}\r\n".encode(),
            b"--Encrypted Boundary\r\n",
            b"\tContent-Type: application/octet-stream\r\n",
            _LENGTH.pack(len(header)) + header + data,
            b"--Encrypted Boundary--\r\n",
        )
    )


def unseal(context: ContextProxy, sealed: bytes) -> bytes:
    """What the other end of `context` sealed.

    ValueError when it is not framed as it should be; SpnegoError when it was tampered with.
    """
    frame = _FRAME.fullmatch(sealed)
    if frame is None:
        raise ValueError("The body is not framed as an encrypted message")
    length, payload = int(frame[1]), frame[2]
    if len(payload) < _LENGTH.size:
        raise ValueError("The encrypted message has no header")
    (header_length,) = _LENGTH.unpack_from(payload)
    header, data = (
        payload[_LENGTH.size : _LENGTH.size + header_length],
        payload[_LENGTH.size + header_length :],
    )
    body = context.unwrap_winrm(header, data)
    if len(body) != length:
        raise ValueError("The encrypted message is not as long as it says")
    return body
