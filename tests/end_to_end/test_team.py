"""Several lictui on one data folder: one of them polls, and another goes on when it is killed."""

import signal
import time
from pathlib import Path

import pytest
from tests.end_to_end.conftest import Program
from tests.support.simulators import licenses
from tests.support.terminal import Terminal

from lictui.model import Server, SourceName
from lictui.simulator.commands import checkmk_section

_INTERVAL = 4.0  # seconds
_PATIENCE = 60.0


class Team:
    """Monitors, and the file in which each poll writes the number of the process that polls."""

    def __init__(self, polls: Path, *monitors: Terminal) -> None:
        self._polls = polls
        self.monitors = monitors

    def pollers(self) -> list[int]:
        return [int(line) for line in self._polls.read_text().split()]

    def next_pollers(self, count: int) -> list[int]:
        """Return who made the next polls."""
        before, until = len(self.pollers()), time.monotonic() + _PATIENCE
        while len(self.pollers()) < before + count:
            assert time.monotonic() < until, "nobody polls"
            for monitor in self.monitors:
                monitor.read(0.1)
        return self.pollers()[before:]


@pytest.mark.slow
def test_one_of_a_team_polls_and_another_takes_over_when_it_is_killed(
    program: Program, tmp_path: Path
) -> None:
    output, polls = tmp_path / "output", tmp_path / "polls"
    output.write_text(checkmk_section((licenses(),), "lic01"))
    polls.touch()
    command = ("sh", "-c", f"echo $PPID >> {polls}; cat {output}")
    program.register(
        Server("lic-01", SourceName.COMMAND, command=command, format="checkmk", interval=_INTERVAL)
    )
    collector = program.start("collect")
    try:
        assert Team(polls).next_pollers(1) == [collector.pid]
        with program.terminal() as first, program.terminal() as second:
            team = Team(polls, first, second)
            for monitor in team.monitors:
                monitor.wait_for("lic-01", "412", "viewing")
                monitor.send_keys("4")
                monitor.wait_for(f"({collector.pid})")
            began = time.monotonic()
            assert set(team.next_pollers(3)) == {collector.pid}
            assert time.monotonic() - began > 2 * _INTERVAL - 1
            collector.send_signal(signal.SIGKILL)  # and nobody reaps it
            killed = time.monotonic()
            (heir,) = team.next_pollers(1)
            assert time.monotonic() - killed < 3 * _INTERVAL
            (other,) = (each for each in team.monitors if each.process.pid != heir)
            other.wait_for(f"({heir})")
            assert set(team.next_pollers(2)) == {heir}
    finally:
        collector.kill()
        collector.communicate()
