from __future__ import annotations

import pytest

from lictui.sources.command.source import command_label, ssh_host


@pytest.mark.parametrize(
    ("command", "host"),
    [
        ("ssh lic01 x", "lic01"),
        ("/usr/bin/ssh -p 2222 -i key -v -- adm@lic01 x -p y", "adm@lic01"),
        ("ssh -oBatchMode=yes -p22 -vvp 22 lic01", "lic01"),
        ("C:\\Windows\\ssh.exe lic01", "lic01"),
        ("ssh", ""),
        ("ssh -p", ""),
        ("cat lic01", ""),
    ],
)
def test_where_ssh_goes(command: str, host: str) -> None:
    assert ssh_host(command.split()) == host


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("ssh -p 22 adm@lic01 powershell", "ssh lic01"),
        ("sshpass -p hunter2 ssh lic01", "sshpass"),
        ("curl https://u:hunter2@lic01/", "curl"),
        ("/opt/bin/lmutil lmstat -a", "lmutil lmstat"),
        ("\x1b[31m", "[31m"),
        ("", "the command"),
    ],
)
def test_a_message_says_no_more_than_it_must(command: str, name: str) -> None:
    assert command_label(command.split()) == name
