"""Programs that a test runs: shell scripts, which start faster than Python."""

import shlex
from pathlib import Path


def program(path: Path, stdout: bytes = b"", stderr: str = "", then: str = "") -> str:
    """Write a program that prints these, and then does `then` in the shell; return its path."""
    output = path.with_name(f"{path.name}.out")
    output.write_bytes(stdout)
    path.write_text(
        f"#!/bin/sh\n/bin/cat {shlex.quote(str(output))}\nprintf %s {shlex.quote(stderr)} >&2\n"
        f"{then}\n"
    )
    path.chmod(0o755)
    return str(path)
