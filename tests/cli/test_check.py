"""`lictui check`: one line and an exit code of a plugin, whatever fails."""

import pytest
from tests.cli.conftest import Cli, set_time
from tests.support.clock import START, FakeClock
from tests.support.values import poll, pool, server, snapshot

from lictui.config.registry import save_servers
from lictui.config.settings import Retention
from lictui.history.store import History
from lictui.paths import Paths


@pytest.fixture
def recorded(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server with 82 % in use, and one with 10 % in a group of its own."""
    set_time(monkeypatch, START + 5)
    servers = [server("a", group="emea"), server("b", group="us")]
    save_servers(paths, servers)
    with History(paths.history, Retention(), FakeClock(START)) as history:
        for registered, in_use in zip(servers, (412, 50), strict=True):
            read = snapshot(pool(in_use=in_use))
            history.append(registered, poll(read, registered.name, START))


@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize(
    ("options", "code", "start"),
    [
        ("", 1, "LICENSES WARNING - a: XDT_PLT_UD: 412 of 500"),
        ("--group us", 0, "LICENSES OK - b: XDT_PLT_UD: 50 of 500"),
        ("--server a -c 80", 2, "LICENSES CRITICAL - a: "),
        ("-w 85 --product XDT_PLT_UD", 0, "LICENSES OK - 2 usage figures of 2 servers are OK"),
        ("--max-age 1 --server b", 2, "LICENSES CRITICAL - b: data is 5 s old"),
        ("--product MPS", 3, "LICENSES UNKNOWN - no selected server has the product MPS"),
        ("--server c", 3, "LICENSES UNKNOWN - unknown server 'c'. (run `lictui servers list`"),
        ("-w 9:1", 3, "LICENSES UNKNOWN - invalid range '9:1'"),
        ("--nonsense", 3, "LICENSES UNKNOWN - No such option '--nonsense'"),
        ("--help", 3, "Usage: lictui check"),
        ("--version", 3, "lictui "),
    ],
)
def test_check_prints_one_line_with_the_exit_code_of_its_state(
    cli: Cli, options: str, code: int, start: str
) -> None:
    printed = cli("check", "--cached", *options.split(), code=code)
    assert printed.out.startswith(start)
    assert printed.err == ""
    assert options == "--help" or len(printed.rows) == 1


def test_failure_of_lictui_itself_is_unknown(
    cli: Cli, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli("check", code=3).out.startswith("LICENSES UNKNOWN - No servers configured.")
    save_servers(paths, [server("a")])
    monkeypatch.setattr("lictui.cli.check.judge", lambda *_: 1 / 0)
    assert cli("check", "--cached", code=3).rows == ["LICENSES UNKNOWN - division by zero"]
    monkeypatch.setenv("LICTUI_LOG_LEVEL", "loud")  # refused before the command is reached
    assert "Invalid value for '--log-level'" in cli("check", code=3).out
    monkeypatch.delenv("LICTUI_LOG_LEVEL")
    paths.config.write_text("theme = 1\npolling = |\n")
    assert cli("check", code=3).out.startswith(f"LICENSES UNKNOWN - {paths.config}:2: ")
