"""Message encryption: SOAP that travels over plain HTTP, sealed by the login's own key.

Owns the multipart form of MS-WSMV 2.2.9.1, byte for byte. Pure but for the context's sequence
numbers. Must not know how the context came about.
"""

from __future__ import annotations

import re
import struct
from typing import Final, Protocol

from lictui.sources.winrm.envelope import CONTENT_TYPE

_LENGTH: Final = struct.Struct("<i")
_LONGEST_HEADER: Final = 1_024  # bytes; NTLM's has 16, Kerberos' some 60
# Servers write boundaries with and without a blank after the dashes.
_PARTS: Final = re.compile(
    rb"\s*--\s?Encrypted Boundary\r\n"
    rb"(?:[ \t]*[\w-]+:[^\r\n]*\r\n)+"
    rb"--\s?Encrypted Boundary\r\n"
    rb"[ \t]*Content-Type:[ \t]*application/octet-stream\r\n"
    rb"(?P<sealed>.*)"
    rb"--\s?Encrypted Boundary--\s*",
    re.ASCII | re.DOTALL | re.IGNORECASE,
)


class Sealer(Protocol):
    """The two methods of a pyspnego context that sealing needs."""

    def wrap_winrm(self, data: bytes) -> tuple[bytes, bytes, int]:
        """Seal: header, data, length of the padding in it."""
        ...

    def unwrap_winrm(self, header: bytes, data: bytes) -> bytes:
        """Open; raises if one bit was changed on the way."""
        ...


class NotSealedError(Exception):
    """These bytes are no sealed message; says why."""


def content_type(protocol: str) -> str:
    """The Content-Type of a sealed message; `protocol` is `SPNEGO` or `Kerberos`."""
    return f'multipart/encrypted;protocol="{_of(protocol)}";boundary="Encrypted Boundary"'


def is_sealed(content: str) -> bool:
    """Whether the Content-Type `content` is that of a sealed message."""
    return content.strip().lower().startswith("multipart/encrypted")


def seal(soap: bytes, sealer: Sealer, protocol: str) -> bytes:
    """The body to send for `soap`."""
    header, data, padding = sealer.wrap_winrm(soap)
    head = (
        "--Encrypted Boundary\r\n"
        f"\tContent-Type: {_of(protocol)}\r\n"
        f"\tOriginalContent: type={CONTENT_TYPE};Length={len(soap) + padding}\r\n"
        "--Encrypted Boundary\r\n"
        "\tContent-Type: application/octet-stream\r\n"
    )
    return b"".join(
        (head.encode(), _LENGTH.pack(len(header)), header, data, b"--Encrypted Boundary--\r\n")
    )


def unseal(body: bytes, sealer: Sealer) -> bytes:
    """The SOAP in a sealed body; raises NotSealedError, and what the sealer raises if forged.

    The length that is written beside it is not compared: the seal itself proves more.
    """
    parts = _PARTS.fullmatch(body)
    if not parts:
        raise NotSealedError("its parts are not those of an encrypted message")
    sealed = parts["sealed"]
    length = _LENGTH.unpack_from(sealed)[0] if len(sealed) >= _LENGTH.size else -1
    if not 0 < length <= min(_LONGEST_HEADER, len(sealed) - _LENGTH.size):
        raise NotSealedError("its encrypted part is cut off")
    start = _LENGTH.size + length
    return sealer.unwrap_winrm(sealed[_LENGTH.size : start], sealed[start:])


def _of(protocol: str) -> str:
    return f"application/HTTP-{protocol}-session-encrypted"
