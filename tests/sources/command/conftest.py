"""Commands that are real programs."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest
from tests.support.clock import FakeClock
from tests.support.programs import program

from lictui.config.settings import Limits
from lictui.model import Failure, Server, Snapshot, SourceName, Step
from lictui.sources.command.source import CommandSource
from lictui.sources.source import SourceError

_T = TypeVar("_T")


@dataclass
class Bench:
    """A folder for programs, and what the last fetch reported of its steps."""

    folder: Path
    steps: list[tuple[Step, str]]

    def program(self, stdout: bytes, *, stderr: str = "", code: int = 0, name: str = "p") -> str:
        """The path of a program that prints these and ends so."""
        return program(self.folder / name, stdout, stderr, f"exit {code}")

    async def fetch(
        self, command: tuple[str, ...], form: str, limits: Limits | None = None, available: str = ""
    ) -> Snapshot | Failure:
        server = Server(
            "x", SourceName.COMMAND, command=command, format=form, licenses_available=available
        )
        source = CommandSource(server, limits or Limits(), FakeClock())
        self.steps.clear()
        try:
            return await source.fetch(lambda step, detail: self.steps.append((step, detail)))
        except SourceError as error:
            return error.failure
        finally:
            await source.aclose()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, [])


def outcome(read: Callable[[], _T]) -> _T | Failure:
    """What `read` returns, or the failure it ends in; anything else it raises is a mistake."""
    try:
        return read()
    except SourceError as error:
        return error.failure
