"""Run what may block: programs, with a limit on time and output, and calls that cannot be canceled.

Rules for programs: no shell, no terminal, no variable that holds a secret, standard input empty
unless given; one that runs too long or prints too much is killed with all its children; nothing
stays open afterwards.
"""

from __future__ import annotations

import asyncio
import codecs
import errno
import os
import signal
import threading
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, cast

from msgspec import Struct

from lictui.config.secrets import child_environment
from lictui.model import FailureKind
from lictui.sources.sanitize import sanitize
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from lictui.config.settings import Limits

_T = TypeVar("_T")

_GRACE: Final = 1.0  # seconds to wait for a killed program, or a pipe that others hold open
_MAX_STDERR: Final = 4096  # bytes kept from the end of stderr
_STDOUT_FD: Final = 1


class ProgramOutput(Struct, frozen=True):
    """What a program printed, and its exit code."""

    exit_code: int  # negative: the signal that ended it
    stdout: bytes
    stderr: str  # the last line printed there, sanitized


async def run_program(
    argv: tuple[str, ...],
    limits: Limits,
    environment: Mapping[str, str] | None = None,
    stdin: bytes = b"",
) -> ProgramOutput:
    """Run `argv` and wait for its end, at most `limits.timeout` seconds; any exit code is returned.

    `environment` replaces `child_environment()`. The program need not read `stdin`.
    """
    process = _Process(limits.max_reply, stdin)
    try:
        with _killed_at_signal(process):
            async with asyncio.timeout(limits.deadline):
                await _start(process, argv, environment or child_environment())
                await process.output_complete
    except TimeoutError as error:
        raise SourceError(
            FailureKind.TIMEOUT,
            f"{_program(argv)} did not finish within {limits.timeout:g} s and was killed",
            "Run it in a terminal as the same user: does it wait for input, or hang?",
        ) from error
    finally:
        await _stop(process)
    if process.too_large:
        raise SourceError(
            FailureKind.TOO_LARGE,
            f"{_program(argv)} printed more than {limits.max_reply:,} bytes",
            "Check that it is the right command. If so, raise max_reply in [polling].",
        )
    exit_code = process.transport.get_returncode() if process.transport else None
    lines = reversed(process.stderr.decode(errors="replace").replace("\0", "").splitlines())
    last_line = next(filter(None, map(sanitize, lines)), "")
    return ProgramOutput(-1 if exit_code is None else exit_code, bytes(process.stdout), last_line)


class _Process(asyncio.SubprocessProtocol):
    """State and output of one running program.

    It uses the transport's own callbacks: in Python before 3.11.10 and 3.12.4, `Process.wait` waits
    for pipes that a grandchild may hold open forever.
    """

    def __init__(self, max_output: int, stdin: bytes) -> None:
        loop = asyncio.get_running_loop()
        self._max_output = max_output
        self.stdin = stdin
        self.stderr = bytearray()
        self._open_pipes: set[int] = {1, 2}
        self.transport: asyncio.SubprocessTransport | None = None
        self.stdout = bytearray()
        self.too_large = False
        self.exited: asyncio.Future[None] = loop.create_future()
        self.output_complete: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[None] = loop.create_future()  # every pipe is closed

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.SubprocessTransport", transport)
        if self.stdin:
            pipe = cast("asyncio.WriteTransport", self.transport.get_pipe_transport(0))
            pipe.write(self.stdin)
            pipe.close()  # after everything is written

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd != _STDOUT_FD:
            self.stderr += data
            del self.stderr[:-_MAX_STDERR]
        elif len(self.stdout) + len(data) <= self._max_output:
            self.stdout += data
        else:
            self.too_large = True
            _set_done(self.output_complete)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        del exc
        self._open_pipes.discard(fd)
        self._check_output_complete()

    def process_exited(self) -> None:
        _set_done(self.exited)
        self._check_output_complete()
        # All output is in the pipes now; other processes that hold them open are not waited for.
        asyncio.get_running_loop().call_later(_GRACE, _set_done, self.output_complete)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        _set_done(self.closed)

    def _check_output_complete(self) -> None:
        if self.exited.done() and not self._open_pipes:
            _set_done(self.output_complete)


def _set_done(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


async def _start(process: _Process, argv: tuple[str, ...], environment: Mapping[str, str]) -> None:
    pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    # A session of its own: no terminal to prompt on, and one process group to kill.
    starting = asyncio.create_task(
        asyncio.get_running_loop().subprocess_exec(
            lambda: process,
            *argv,
            stdin=pipe if process.stdin else null,
            stdout=pipe,
            stderr=pipe,
            env=environment,
            start_new_session=True,
        )
    )
    try:
        await asyncio.shield(starting)
    except asyncio.CancelledError:
        # asyncio would kill the program alone, and wait for pipes that its children hold open.
        with suppress(OSError, ValueError, TypeError):
            await starting
        raise
    except (OSError, ValueError, TypeError) as error:
        if isinstance(error, TimeoutError):
            raise
        raise _start_error(argv, error) from error


def _start_error(argv: tuple[str, ...], error: Exception) -> SourceError:
    reason = sanitize(getattr(error, "strerror", None) or error, 100)
    has_folder = bool(argv) and bool({"/", os.sep} & set(argv[0]))
    match error:
        case OSError() if error.errno in (errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM):
            hint = "This machine lets lictui open no more files or processes: see ulimit -a."
        case FileNotFoundError() if has_folder:
            hint = "Check the path on this machine; for a script, also its #! line."
        case FileNotFoundError():
            hint = "It is not on lictui's PATH: use the full path."
        case PermissionError():
            hint = "The user that runs lictui must be allowed to execute it (chmod +x)."
        case _:
            hint = "Check that it is a program for this machine: run it in a terminal."
    return SourceError(FailureKind.COMMAND, f"cannot start {_program(argv)}: {reason}", hint)


def _program(argv: tuple[str, ...]) -> str:
    """Return the program for messages, without its arguments, which may contain secrets."""
    return sanitize(argv[0] if argv else "", 120) or "a program without a name"


async def _stop(process: _Process) -> None:
    """Kill what still runs, wait for its end, and close the pipes; at most two seconds."""
    transport = process.transport
    if transport is None:
        return  # never started
    _kill_group(transport)
    with suppress(TimeoutError):
        async with asyncio.timeout(_GRACE):
            await process.exited
    transport.close()
    with suppress(TimeoutError):
        async with asyncio.timeout(_GRACE):
            await process.closed


def _kill_group(transport: asyncio.SubprocessTransport) -> None:
    """Kill the program's whole process group, also if only its children still run."""
    with suppress(ProcessLookupError, PermissionError):
        if os.name == "posix":
            os.killpg(transport.get_pid(), signal.SIGKILL)
        else:
            transport.kill()


_RUNNING: Final[set[_Process]] = set()
_SIGNALS: Final = [getattr(signal, n) for n in ("SIGTERM", "SIGHUP") if hasattr(signal, n)]


@contextmanager
def _killed_at_signal(process: _Process) -> Iterator[None]:
    """Kill the program if a signal ends lictui, unless that is handled, as in the monitor."""
    _RUNNING.add(process)
    _replace_handlers(signal.SIG_DFL, _end)
    try:
        yield
    finally:
        _RUNNING.discard(process)
        if not _RUNNING:  # the default also ends a call into SQLite
            _replace_handlers(_end, signal.SIG_DFL)


def _replace_handlers(before: Any, after: Any) -> None:
    if threading.current_thread() is threading.main_thread():
        for number in _SIGNALS:
            if signal.getsignal(number) is before:
                signal.signal(number, after)


def _end(number: int, _frame: object) -> None:
    for process in list(_RUNNING):
        if process.transport:
            _kill_group(process.transport)
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)


# Blocking calls: files on a network drive, keyrings, certificates, DNS


class LoopLocal(Generic[_T]):
    """A value for each event loop: a lock, for example, belongs to one."""

    def __init__(self, make: Callable[[], _T]) -> None:
        self._make = make
        # Weak keys would not do: a lock with waiters references its loop.
        self._values: dict[asyncio.AbstractEventLoop, _T] = {}

    def get(self) -> _T:
        """Return the value of the running loop."""
        loop = asyncio.get_running_loop()
        if loop not in self._values:
            for other in tuple(self._values):
                if other.is_closed():
                    self._values.pop(other, None)  # another thread may have removed it
            self._values[loop] = self._make()
        return self._values[loop]


LOCAL_TIMEOUT: Final = 10.0  # seconds for a file, a keyring or a command that prints a secret
_QUICK: Final = 64 * 1024  # bytes that are parsed without a thread
_STACK: Final = 1024 * 1024  # bytes of each: hundreds of hanging look-ups fit into little memory
_STACK_LOCK: Final = threading.Lock()  # the size is a setting of the whole process
_MAX_THREADS: Final = 512  # more calls wait for their turn
_threads: Final = LoopLocal(lambda: asyncio.Semaphore(_MAX_THREADS))
_calls: Final[LoopLocal[dict[str, asyncio.Task[Any]]]] = LoopLocal(dict)


async def run_blocking(name: str, function: Callable[[], _T], seconds: float | None = None) -> _T:
    """Return `function()`, called in a thread of its own, at most one thread for each `name`.

    A second caller waits for the same call. Nothing can cancel it, so neither other work nor the
    end of lictui waits for the thread. Raises TimeoutError, and what the function raises.
    """
    calls = _calls.get()
    call = calls.get(name)
    if call is None:

        def forget(done: asyncio.Task[_T]) -> None:
            del calls[name]
            # Nobody may wait for it anymore: an exception is not to be reported as forgotten.
            _ = done.cancelled() or done.exception()

        call = calls[name] = asyncio.create_task(_call(name, function))
        call.add_done_callback(forget)
    async with asyncio.timeout(seconds):
        result: _T = await asyncio.shield(call)
    return result


async def parse_output(parse: Callable[[], _T], size: int) -> _T:
    """Return `parse()`, called in a thread if there are many bytes, so that other polls go on."""
    return await run_blocking(f"parse {id(parse)}", parse) if size > _QUICK else parse()


async def _call(name: str, function: Callable[[], _T]) -> _T:
    loop = asyncio.get_running_loop()
    result: asyncio.Future[_T] = loop.create_future()

    def work() -> None:
        try:
            finish: Callable[[], None] = partial(result.set_result, function())
        except Exception as error:  # noqa: BLE001 - raised in the task that waits
            finish = partial(result.set_exception, error)
        with suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(lambda: None if result.done() else finish())

    async with _threads.get():
        try:
            with _STACK_LOCK:
                usual = threading.stack_size(_STACK)
                try:
                    threading.Thread(target=work, name=name, daemon=True).start()
                finally:
                    threading.stack_size(usual)
        except RuntimeError:
            raise OSError(errno.EAGAIN, "this machine allows no more threads") from None
        return await result


_MIN_OPEN_FILES: Final = 4096  # for hundreds of polls and their programs at the same time


def raise_file_limit(files: int = _MIN_OPEN_FILES) -> None:
    """Let this process open this many files, if it may; macOS allows 256 by default."""
    try:
        import resource  # noqa: PLC0415 - does not exist on Windows, which has no such limit
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < files:
        with suppress(ValueError, OSError):
            limit = files if hard == resource.RLIM_INFINITY else min(files, hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))


# Decoding of output: Windows programs and pipes use many encodings.

_ENCODING_SAMPLE: Final = 4096  # bytes examined to recognize UTF-16 without a byte order mark
_BYTE_ORDER_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Share of zeros among the high bytes of UTF-16 text in a Latin script, and among the low bytes.
_MIN_ZERO_SHARE: Final = 0.4
_MAX_ZERO_SHARE: Final = 0.1


def decode_output(stdout: bytes) -> str:
    """Decode `stdout`; never raises. Undecodable bytes become U+FFFD; NULs and marks are removed.

    In this order: UTF-8 and UTF-16 with a byte order mark; UTF-16 without one, if every other byte
    is 0 (`>` of Windows PowerShell); UTF-8. Bytes that are not valid UTF-8 are Windows-1252: files
    of different age may be printed one after another.
    """
    guess = b"", _guess_encoding(stdout[:_ENCODING_SAMPLE])
    mark, encoding = next((pair for pair in _BYTE_ORDER_MARKS if stdout.startswith(pair[0])), guess)
    errors = "windows-1252" if encoding == "utf-8" else "replace"
    text = stdout.removeprefix(mark).decode(encoding, errors)
    return text.replace("\0", "").replace("\ufeff", "")


def _guess_encoding(sample: bytes) -> str:
    pairs = len(sample) // 2
    even_zeros, odd_zeros = (sample[offset : 2 * pairs : 2].count(0) for offset in (0, 1))
    if odd_zeros > _MIN_ZERO_SHARE * pairs and even_zeros <= _MAX_ZERO_SHARE * pairs:
        return "utf-16-le"
    if even_zeros > _MIN_ZERO_SHARE * pairs and odd_zeros <= _MAX_ZERO_SHARE * pairs:
        return "utf-16-be"
    return "utf-8"


def _decode_as_windows_1252(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)  # noqa: S101 - it is registered for decoding only
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error("windows-1252", _decode_as_windows_1252)
