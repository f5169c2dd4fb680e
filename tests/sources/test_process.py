"""Programs that a source runs: their limits, their children, and their encodings."""

import asyncio
import os
import signal
import stat
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.clock import settle
from tests.support.polls import failure_from

from lictui.config.settings import Limits
from lictui.model import Failure, FailureKind, Step
from lictui.sources import process
from lictui.sources.process import ProgramOutput, decode_output, run_blocking, run_program

LONG = Limits(timeout=30.0)


async def run_python(code: str, limits: Limits = LONG) -> ProgramOutput:
    return await run_program((sys.executable, "-c", textwrap.dedent(code)), limits)


async def failure_of(*argv: str, limits: Limits = LONG) -> Failure:
    failure = await failure_from(run_program(argv, limits))
    assert failure.step is Step.INVENTORY
    assert failure.hint
    return failure


async def test_program_output_and_exit_code_are_returned() -> None:
    output = await run_python("""
        import sys
        print("out", end="")
        print("first\\nlast \\x1b[31mred", file=sys.stderr)
        sys.exit(3)
    """)
    assert output == ProgramOutput(3, b"out", "last [31mred")
    output = await run_python("import os, signal; os.kill(os.getpid(), signal.SIGTERM)")
    assert output.exit_code == -15


async def test_program_arguments_are_read_by_no_shell_and_its_environment_is_the_given() -> None:
    code = "import os, sys; print(sys.argv[1], os.environ.get('A'), os.environ.get('HOME'))"
    code += "; print(repr(sys.stdin.read()), os.getsid(0) == os.getpid())"  # no stdin, no terminal
    argv = (sys.executable, "-c", code, "$(id); `id` | *")
    output = await run_program(argv, LONG, {"A": "b"})
    assert output.stdout.rstrip() == b"$(id); `id` | * b None\n'' True"


async def test_program_pipes_are_read_at_the_same_time() -> None:
    output = await run_python("""
        import sys
        for _ in range(2000):
            sys.stderr.write("e" * 1000 + "\\n"); sys.stderr.flush()
            sys.stdout.write("o" * 1000); sys.stdout.flush()
    """)
    assert len(output.stdout) == 2_000_000
    assert len(output.stderr) <= 200


# A program with a child that ignores SIGTERM and holds every pipe

_FAMILY = """
    import os, signal, subprocess, sys, time
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen([sys.executable, "-c",
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"])
    open({file!r} + ".new", "w").write(f"{{os.getpid()}} {{child.pid}}")
    os.rename({file!r} + ".new", {file!r})
    {then}
"""


@dataclass
class Family:
    file: Path  # with the process ids, as soon as both run

    def argv(self, then: str = "time.sleep(600)") -> tuple[str, ...]:
        code = _FAMILY.format(file=str(self.file), then=then)
        return (sys.executable, "-c", textwrap.dedent(code))

    async def pids(self) -> list[int]:
        await _wait_for(self.file.exists)
        return [int(pid) for pid in self.file.read_text().split()]

    async def is_gone(self) -> bool:
        """Whether both end, soon; zombies of another parent have ended."""
        pids = await self.pids()
        return await _wait_for(lambda: not any(map(_is_running, pids)))


async def _wait_for(condition: Callable[[], bool]) -> bool:
    for _ in range(2000):
        if condition():
            break
        await asyncio.sleep(0.01)
    return condition()


def _is_running(pid: int) -> bool:
    try:
        state, parent, *_ = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z" or int(parent) == os.getpid()


@pytest.fixture
def family(tmp_path: Path) -> Family:
    return Family(tmp_path / "pids")


async def test_program_that_takes_too_long_is_killed_with_its_children(
    family: Family, timeouts: list[asyncio.Timeout]
) -> None:
    running = asyncio.create_task(failure_of(*family.argv(), limits=Limits(timeout=600.0)))
    await family.pids()
    timeouts[0].reschedule(0)
    failure = await running
    assert failure.kind is FailureKind.TIMEOUT
    assert "600 s" in failure.message
    assert await family.is_gone()


async def test_program_that_prints_too_much_is_killed_with_its_children(family: Family) -> None:
    failure = await failure_of(*family.argv('os.write(1, b"x" * 20_000_000)'))
    assert failure.kind is FailureKind.TOO_LARGE
    assert "8,388,608" in failure.message
    assert await family.is_gone()


async def test_program_that_is_cancelled_is_killed_with_its_children(family: Family) -> None:
    running = asyncio.create_task(run_program(family.argv(), LONG))
    await family.pids()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await family.is_gone()


async def test_program_that_is_cancelled_while_it_starts_is_killed_with_its_children(
    family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    transport = asyncio.unix_events._UnixSubprocessTransport  # type: ignore[attr-defined]
    start, started = transport._start, asyncio.Event()

    def start_slowly(*args: object, **options: object) -> None:
        start(*args, **options)
        while not family.file.exists():  # the pipes are connected afterwards
            time.sleep(0.01)
        started.set()

    monkeypatch.setattr(transport, "_start", start_slowly)
    running = asyncio.create_task(run_program(family.argv(), LONG))
    await started.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await family.is_gone()


async def test_program_is_killed_with_its_children_when_a_signal_ends_lictui(
    family: Family,
) -> None:
    code = f"""
import asyncio
from lictui.config.settings import Limits
from lictui.sources.process import run_program
asyncio.run(run_program({family.argv()!r}, Limits(timeout=600.0)))
"""
    lictui = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
    await family.pids()
    lictui.terminate()
    assert await lictui.wait() == -signal.SIGTERM
    assert await family.is_gone()


async def test_program_child_that_keeps_the_pipes_open_is_not_waited_for(family: Family) -> None:
    output = await run_program(family.argv('print("done")'), LONG)
    assert (output.exit_code, output.stdout) == (0, b"done\n")
    assert await family.is_gone()


async def test_program_child_in_another_session_is_not_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    try:
        output = await run_python(f"""
            import subprocess, sys
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(20)"],
                                     start_new_session=True)
            open({str(file)!r}, "w").write(str(child.pid))
            print("done")
        """)
    finally:
        os.kill(int(file.read_text()), 9)  # it may live: a master of ssh connections does
    assert output.stdout == b"done\n"


@pytest.mark.parametrize(
    ("name", "hint"), [("no-such-program-here", "PATH"), ("/no/such/program", "path")]
)
async def test_program_that_does_not_exist_is_named_without_arguments(name: str, hint: str) -> None:
    failure = await failure_of(name, "--password=hunter2")
    assert failure.kind is FailureKind.COMMAND
    assert name in failure.message
    assert "hunter2" not in failure.message
    assert hint in failure.hint


async def test_program_that_cannot_be_executed_is_a_failure(tmp_path: Path) -> None:
    path = tmp_path / "program"
    path.write_bytes(b"\x7fnot a program")
    for mode in (stat.S_IRUSR, stat.S_IRWXU):
        path.chmod(mode)
        assert (await failure_of(str(path))).kind is FailureKind.COMMAND
    for name in ("", "a\0b", "\udcff", "."):
        assert (await failure_of(name)).kind is FailureKind.COMMAND


async def test_program_leaves_no_descriptor_open() -> None:
    async def once() -> None:
        await run_python("")
        await failure_from(run_python("import time; time.sleep(600)", Limits(timeout=0.2)))
        await failure_of("/no/such/program")

    await once()
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - the names are of no interest
    for _ in range(3):
        await once()
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208 - as above


# Blocking calls


async def test_blocking_calls_wait_for_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_MAX_THREADS", 1)
    answered = threading.Event()
    first = asyncio.create_task(run_blocking("first", answered.wait))
    second = asyncio.create_task(run_blocking("second", lambda: "second"))
    await settle()
    same = asyncio.create_task(run_blocking("first", lambda: False))
    await settle()
    assert not second.done()
    answered.set()
    assert (await first, await second, await same) == (True, "second", True)


async def test_blocking_call_without_a_thread_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(OSError, match="no more threads"):
        await run_blocking("x", lambda: None)


# Encodings

TEXT = 'XDT_PLT_UD "Grün"\r\n[1, 2]\r\n'


@pytest.mark.parametrize(
    ("output", "text"),
    [
        *(
            (TEXT.encode(encoding), TEXT)
            for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252")
        ),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), TEXT),
        # Files of different age, printed one after another
        ("ü\n".encode("cp1252") + b"\xef\xbb\xbf" + "ü\n".encode(), "ü\nü\n"),
        (b"a\0bcdefgh", "abcdefgh"),
        ("ab".encode("utf-16")[:-1], "a\ufffd"),
        (b"", ""),
    ],
)
def test_decode_output_reads_every_encoding_of_windows(output: bytes, text: str) -> None:
    assert decode_output(output) == text


@given(st.binary(max_size=300))
def test_decode_output_reads_any_bytes(output: bytes) -> None:
    assert "\0" not in decode_output(output)
