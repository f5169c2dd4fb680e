"""Runs one program for a source: bounded in time and size, and ended with all it started.

Owns the subprocess and its end. Must not know what the program is for, nor what its output means.
"""

from __future__ import annotations

import asyncio
import codecs
import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from lictui.model import FailureKind, Step
from lictui.sources.sanitize import sanitize
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lictui.config.settings import Limits


_GRACE: Final = 1.0  # seconds for what was killed, or for a pipe that somebody else holds open
_STDERR: Final = 4096  # bytes kept of the end of stderr
_STDOUT_FD: Final = 1


@dataclass(frozen=True, slots=True)
class ProgramOutput:
    """What a program printed, and how it ended."""

    exit_code: int  # exit code; negative: the signal that ended it
    stdout: bytes
    stderr: str  # cleaned, one short line: the last that was printed there


async def run_program(
    argv: tuple[str, ...],
    limits: Limits,
    environment: Mapping[str, str] | None = None,
    given: bytes = b"",
) -> ProgramOutput:
    """Run `argv` without a shell, and wait for its end, at most `limits.timeout` seconds.

    It sees no terminal, `given` as its input, which it need not read, and `environment` instead of
    lictui's own. Any exit code is an answer. Raises SourceError: `command` when it cannot be
    started, `timeout` when it was killed at the deadline with all its children, `too_large` past
    `limits.max_reply`.
    """
    talk = _Talk(limits.max_reply, given)
    seconds = limits.timeout
    try:
        # A moment before the engine's own guard, so that this sentence is the one that is read.
        async with asyncio.timeout(max(0.9 * seconds, seconds - 0.1)):
            await _start(talk, argv, environment)
            await talk.ended
    except TimeoutError as error:
        raise SourceError(
            FailureKind.TIMEOUT,
            f"{_name(argv)} did not end in {seconds:g} s and was killed",
            "Run it in a terminal as the same user: does it ask for something, or hang?",
            Step.INVENTORY,
        ) from error
    finally:
        await _end(talk)
    if talk.flooded:
        raise SourceError(
            FailureKind.TOO_LARGE,
            f"{_name(argv)} prints more than {limits.max_reply:,} bytes",
            "Is it the right command? If so, raise max_reply in [polling].",
            Step.INVENTORY,
        )
    return ProgramOutput(talk.status, bytes(talk.stdout), talk.last_words)


class _Talk(asyncio.SubprocessProtocol):
    """What one program says, until it is over.

    The transport's own callbacks, because `Process.wait` waits in some Pythons (before 3.11.10,
    3.12.4) for pipes that a grandchild may hold open for ever.
    """

    def __init__(self, most: int, given: bytes) -> None:
        loop = asyncio.get_running_loop()
        self._most = most
        self.given = given
        self._stderr = bytearray()
        self._open: set[int] = {1, 2}
        self.transport: asyncio.SubprocessTransport | None = None
        self.stdout = bytearray()
        self.flooded = False
        self.exited: asyncio.Future[None] = loop.create_future()
        self.ended: asyncio.Future[None] = loop.create_future()  # enough is known
        self.lost: asyncio.Future[None] = loop.create_future()  # nothing is open any more

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.SubprocessTransport", transport)
        if self.given:
            stdin = cast("asyncio.WriteTransport", self.transport.get_pipe_transport(0))
            stdin.write(self.given)
            stdin.close()  # once all of it is written

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd != _STDOUT_FD:
            self._stderr += data
            del self._stderr[:-_STDERR]
        elif len(self.stdout) + len(data) <= self._most:
            self.stdout += data
        else:
            self.flooded = True
            _settle(self.ended)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        del exc
        self._open.discard(fd)
        self._perhaps_ended()

    def process_exited(self) -> None:
        _settle(self.exited)
        self._perhaps_ended()
        # What it printed is in the pipes already; who else holds them is not waited for.
        asyncio.get_running_loop().call_later(_GRACE, _settle, self.ended)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        _settle(self.lost)

    def _perhaps_ended(self) -> None:
        if self.exited.done() and not self._open:
            _settle(self.ended)

    @property
    def status(self) -> int:
        """The exit code."""
        code = self.transport.get_returncode() if self.transport else None
        return -1 if code is None else code

    @property
    def last_words(self) -> str:
        """The last line on stderr."""
        lines = self._stderr.decode(errors="replace").replace("\0", "").splitlines()
        return next(filter(None, map(sanitize, reversed(lines))), "")


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


async def _start(talk: _Talk, argv: tuple[str, ...], env: Mapping[str, str] | None) -> None:
    pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    try:
        # A session of its own: no terminal to ask on, and one group to kill.
        await asyncio.get_running_loop().subprocess_exec(
            lambda: talk,
            *argv,
            stdin=pipe if talk.given else null,
            stdout=pipe,
            stderr=pipe,
            env=env,
            start_new_session=True,
        )
    except (OSError, ValueError, TypeError) as error:
        if isinstance(error, TimeoutError):
            raise
        raise _unstartable(argv, error) from error


def _unstartable(argv: tuple[str, ...], error: Exception) -> SourceError:
    why = sanitize(getattr(error, "strerror", None) or error, 100)
    match error:
        case FileNotFoundError() if os.path.dirname(_first(argv)):  # noqa: PTH120 - as it was given
            hint = "Check the path, on this machine; of a script, also its #! line."
        case FileNotFoundError():
            hint = "It is not on the PATH that lictui runs with: give its full path."
        case PermissionError():
            hint = "It must be executable for the user that lictui runs as (chmod +x)."
        case _:
            hint = "Is it a program for this machine? Run it in a terminal to see."
    return SourceError(
        FailureKind.COMMAND, f"{_name(argv)} cannot be started: {why}", hint, Step.INVENTORY
    )


def _first(argv: tuple[str, ...]) -> str:
    return argv[0] if argv else ""


def _name(argv: tuple[str, ...]) -> str:
    """The program alone: what follows may hold what is nobody's business."""
    return sanitize(_first(argv), 120) or "a program without a name"


async def _end(talk: _Talk) -> None:
    """Kill what still runs, reap it, and close what is open; takes seconds only at the worst."""
    transport = talk.transport
    if transport is None:
        return  # it was never started, or asyncio has ended it itself
    _kill(transport)
    with suppress(TimeoutError):
        async with asyncio.timeout(_GRACE):
            await talk.exited
    transport.close()
    with suppress(TimeoutError):
        async with asyncio.timeout(_GRACE):
            await talk.lost


def _kill(transport: asyncio.SubprocessTransport) -> None:
    """SIGKILL for the program's whole group, also when only children of it are left."""
    with suppress(ProcessLookupError, PermissionError):
        if os.name == "posix":
            import signal  # noqa: PLC0415 - Windows has no SIGKILL to name

            os.killpg(transport.get_pid(), signal.SIGKILL)
        else:
            transport.kill()


# Bytes that a program printed, as text: whatever Windows or a pipe made of their encoding


_SAMPLE: Final = 4096  # bytes that tell UTF-16 without a mark
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_MOSTLY: Final = 0.4  # of the high bytes are 0 in UTF-16 that is mostly Latin
_HARDLY: Final = 0.1


def decode_output(stdout: bytes) -> str:
    """`stdout` as text, never raising: what no encoding explains is U+FFFD, NULs and marks leave.

    UTF-8 and UTF-16 with a byte order mark, UTF-16 without one where every other byte is 0
    (Windows PowerShell's `>`), UTF-8; a line that is none of these is Windows-1252, one by one,
    since files of different age are printed after one another.
    """
    for mark, encoding in _MARKS:
        if stdout.startswith(mark):
            return _plain(_decoded(stdout.removeprefix(mark), encoding))
    return _plain(_decoded(stdout, _unmarked(stdout[:_SAMPLE])))


def _unmarked(sample: bytes) -> str:
    pairs = len(sample) // 2
    first, second = (sample[offset : 2 * pairs : 2].count(0) for offset in (0, 1))
    if second > _MOSTLY * pairs and first <= _HARDLY * pairs:
        return "utf-16-le"
    if first > _MOSTLY * pairs and second <= _HARDLY * pairs:
        return "utf-16-be"
    return "utf-8"


def _decoded(body: bytes, encoding: str) -> str:
    if encoding != "utf-8":
        return body.decode(encoding, "replace")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return "".join(map(_line, body.splitlines(keepends=True)))


def _line(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("cp1252", "replace")


def _plain(decoded: str) -> str:
    return decoded.replace("\0", "").replace("\ufeff", "")
