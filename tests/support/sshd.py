"""An OpenSSH server on a loopback port, run by the user of the tests with its own keys."""

import getpass
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.support.tcp_server import free_port

SSHD = "/usr/sbin/sshd"  # must be absolute: it starts itself again for each connection
_CONFIG = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/user_key.pub
PidFile none
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
"""

_CLIENT_CONFIG = """\
BatchMode yes
StrictHostKeyChecking yes
GlobalKnownHostsFile /dev/null
IdentitiesOnly yes
"""


@dataclass
class Sshd:
    """The server during a `with` block; `folder` contains its keys and those of a client."""

    folder: Path
    extra: str = ""  # more lines of sshd_config
    port: int = 0

    def __enter__(self) -> Self:
        self.port = free_port()
        for name in ("host_key", "other_host_key", "user_key", "other_user_key"):
            self._new_key(name)
        self._trust("known_hosts", "host_key")
        self._trust("other_known_hosts", "other_host_key")
        (self.folder / "ssh_config").write_text(_CLIENT_CONFIG)
        (self.folder / "sshd_config").write_text(
            _CONFIG.format(port=self.port, folder=self.folder) + self.extra
        )
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # privilege separation directory
        self._process = subprocess.Popen(
            [SSHD, "-D", "-e", "-f", str(self.folder / "sshd_config")],
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stderr
        line = self._process.stderr.readline()
        assert "Server listening" in line, line + self._process.stderr.read()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.communicate(timeout=10)

    def command(
        self, *remote: str, key: str = "user_key", known_hosts: str = "known_hosts"
    ) -> tuple[str, ...]:
        options = (
            f"-F {self.folder}/ssh_config -i {self.folder}/{key} -p {self.port}"
            f" -o UserKnownHostsFile={self.folder}/{known_hosts}"
        )
        return ("ssh", *options.split(), f"{getpass.getuser()}@127.0.0.1", *remote)

    def clients(self) -> list[str]:
        mark = str(self.folder / "ssh_config").encode()
        clients = []
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = entry.read_bytes()
            except OSError:  # it has exited
                continue
            if mark in words:
                clients.append(words.replace(b"\0", b" ").decode())
        return clients

    def _new_key(self, name: str) -> None:
        file = str(self.folder / name)
        words = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file)
        subprocess.run(words, check=True)

    def _trust(self, name: str, key: str) -> None:
        kind, data, *_ = (self.folder / f"{key}.pub").read_text().split()
        (self.folder / name).write_text(f"[127.0.0.1]:{self.port} {kind} {data}\n")
