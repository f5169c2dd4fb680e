import os
import threading
from pathlib import Path

import pytest
from msgspec.structs import replace

from lictui.config import registry
from lictui.config.registry import (
    add_server,
    changed_keys,
    edit_server,
    load_servers,
    read_servers,
    remove_server,
    save_servers,
)
from lictui.errors import ConfigError, LictuiError
from lictui.model import Server, SourceName
from lictui.paths import Paths

LIC = Server(
    "lic",
    SourceName.WINRM,
    url="https://lic:5986/wsman",
    username="CORP\\svc",
    secret="env:X",
    auth="negotiate",
)
DDC = Server("ddc", SourceName.CVAD, url="https://ddc", username="u", secret="env:Y")

BY_HAND = """\
# our servers
[[server]]
name = 'lic'   # the big one
source = "winrm"
url = "https://lic"
username = 'CORP\\svc'
secret = "env:X"
verify = "ca.pem"

# also by hand
[[server]]
name = "broken"
source = "winrm"
url = "https://joe:pw@h"
"""


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "config", tmp_path / "data")


def write_servers(paths: Paths, text: str = BY_HAND) -> str:
    paths.config_dir.mkdir(exist_ok=True)
    paths.servers.write_text(text)
    return text


def test_registry_without_a_file_is_empty(paths: Paths) -> None:
    assert load_servers(paths) == ()
    assert not paths.config_dir.exists()


def test_changes_keep_comments_and_spelling_of_everything_else(paths: Paths) -> None:
    text = write_servers(paths)
    add_server(paths, DDC)
    assert paths.servers.read_text().startswith(text)
    assert read_servers(paths)[0][1] == DDC
    before = read_servers(paths)[0][0]
    after = replace(before, name="lic-2", group="emea", interval=60.0)
    assert edit_server(paths, "lic", changed_keys(before, after)) == after
    added = 'verify = "ca.pem"\ngroup = "emea"\ninterval = 60\n'
    text = text.replace("'lic'", '"lic-2"').replace('verify = "ca.pem"\n', added)
    assert paths.servers.read_text().startswith(text)
    edit_server(paths, "lic-2", {"group": "", "interval": 70})
    text = text.replace('group = "emea"\n', "").replace("= 60", "= 70")
    assert paths.servers.read_text().startswith(text)
    remove_server(paths, "ddc")
    assert paths.servers.read_text().rstrip() == text.rstrip()
    remove_server(paths, "broken")
    assert paths.servers.read_text().startswith(text.partition("\n\n# also by hand")[0])
    assert "# also by hand" in paths.servers.read_text()
    assert not list(paths.config_dir.glob("*.bak"))


def test_list_that_is_not_made_of_tables_is_not_changed(paths: Paths) -> None:
    text = write_servers(paths, 'server = [{name="ddc", source="cvad", url="https://a"}] # x\n')
    for change in (
        lambda: edit_server(paths, "ddc", {"group": "x"}),
        lambda: remove_server(paths, "ddc"),
        lambda: add_server(paths, LIC),
    ):
        with pytest.raises(LictuiError):
            change()
    assert paths.servers.read_text() == text


def test_edit_changes_only_its_keys(paths: Paths) -> None:
    save_servers(paths, [LIC])
    edit_server(paths, "lic", {"group": "cli", "interval": 77})  # while a form shows LIC
    edit_server(paths, "lic", changed_keys(LIC, replace(LIC, name="X")))
    assert load_servers(paths) == (replace(LIC, name="X", group="cli", interval=77.0),)
    edit_server(paths, "X", {"source": "cvad", "url": "https://ddc"})
    (server,) = load_servers(paths)
    assert (server.source, server.auth, server.group) == (SourceName.CVAD, "", "cli")


def test_locked_file_names_its_holder(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_LOCK_TIMEOUT", 0)
    save_servers(paths, [LIC])
    held_by = rf"locked by .*\(process {os.getpid()}\)"
    with registry._locked(paths), pytest.raises(LictuiError, match=held_by):
        add_server(paths, DDC)
    add_server(paths, DDC)


def test_servers_are_edited_removed_and_added_again(paths: Paths) -> None:
    save_servers(paths, [LIC, DDC])
    emea = edit_server(paths, "lic", {"group": "emea"})
    assert load_servers(paths) == (emea, DDC) == (replace(LIC, group="emea"), DDC)
    edit_server(paths, "lic", changed_keys(emea, replace(DDC, name="lic")))  # another source
    remove_server(paths, "ddc")
    assert load_servers(paths) == (replace(DDC, name="lic"),)
    remove_server(paths, "lic")
    assert load_servers(paths) == ()
    add_server(paths, DDC)
    assert load_servers(paths) == (DDC,)


@pytest.mark.parametrize(
    ("text", "line", "key", "hint"),
    [
        ("[server]\nname = 'a'", 1, "server", "write [[server]]"),
        ("server = [{name = 'a'}, 1]", 1, "server", "write [[server]]"),
        ("[[servers]]\nname = 'a'", 1, "servers", "every server is a table [[server]]"),
        ("[[server]\n", 1, "", ""),
    ],
)
def test_file_without_server_tables_is_a_problem(
    paths: Paths, text: str, line: int, key: str, hint: str
) -> None:
    write_servers(paths, text)
    servers, (problem,) = read_servers(paths)
    assert servers == ()
    assert (problem.line, problem.key, problem.hint) == (line, key, hint)
    if not key:  # what is not TOML is never overwritten
        with pytest.raises(ConfigError):
            add_server(paths, LIC)
    assert paths.servers.read_text() == text


def test_second_server_of_a_name_is_a_problem(paths: Paths) -> None:
    save_servers(paths, [LIC, DDC, LIC])
    servers, (problem,) = read_servers(paths)
    assert servers == (LIC, DDC)
    assert problem.key == "server[2].name"
    assert problem.message == "duplicate name (first defined on line 4)"


def test_concurrent_changes_are_not_lost(paths: Paths) -> None:
    names = [f"server {number}" for number in range(12)]
    threads = [
        threading.Thread(target=add_server, args=(paths, replace(LIC, name=name))) for name in names
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(server.name for server in load_servers(paths)) == sorted(names)


def test_unwritable_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LictuiError, match=r"servers\.toml cannot be written"):
        add_server(Paths(tmp_path / "file" / "config", tmp_path), LIC)
