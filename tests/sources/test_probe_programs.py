from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.support.lmstat import CITRIX
from tests.support.probe_steps import outcomes, probe_steps
from tests.support.tcp_server import never_reply, tcp_server

from lictui.model import Server, SourceName, Step

if TYPE_CHECKING:
    from pathlib import Path

REFUSED = 'Error getting status: Cannot connect. (-15,570:111 "refused")'


def lmutil(folder: Path, text: str) -> str:
    path = folder / "lmutil"
    argv = (sys.executable, "-c", f"print({text!r})")
    path.write_text(f"#!/bin/sh\nexec {shlex.join(argv)}\n")
    path.chmod(0o755)
    return str(path)


def flexnet(path: str, *ports: int | str) -> Server:
    address = ",".join(f"{port}@127.0.0.1" for port in ports)
    return Server("x", SourceName.LMSTAT, address=address, lmutil=path)


async def test_lmstat_knows_neither_tls_nor_signing_in(tmp_path: Path) -> None:
    async with tcp_server(never_reply) as port:
        found = await probe_steps(flexnet(lmutil(tmp_path, CITRIX), port))
    assert outcomes(found) == [
        ("resolve", True),
        ("connect", True),
        ("inventory", True),
        ("parse", True),
    ]
    assert (found[0].detail, found[1].detail) == ("127.0.0.1", f"127.0.0.1:{port}")
    assert found[-1].detail == "4 features"
    assert found[-1].host_names == ("lic01",)


async def test_one_of_three_license_servers_is_enough(tmp_path: Path) -> None:
    async with tcp_server(never_reply) as dead:
        pass
    async with tcp_server(never_reply) as port:
        server = flexnet(lmutil(tmp_path, CITRIX), dead, port)
        server = replace(server, address=f"{server.address},27000@no-such-host.invalid")
        found = await probe_steps(server)
    assert found[1].detail == f"127.0.0.1:{port}"
    assert found[-1].ok


async def test_what_lmutil_reaches_by_a_way_of_its_own(tmp_path: Path) -> None:
    async with tcp_server(never_reply) as port:
        pass
    path = lmutil(tmp_path, CITRIX)
    found = await probe_steps(flexnet(path, port))
    assert [step for step, _ in outcomes(found)] == ["resolve", "connect", "inventory", "parse"]
    assert all(finding.ok for finding in found)
    expected = f"delegated to {path}: connection refused by 127.0.0.1:{port}"
    assert found[1].detail.startswith(expected)
    far = Server("x", SourceName.LMSTAT, address="27000@no-such-host.invalid", lmutil=path)
    found = await probe_steps(far)
    assert outcomes(found) == [("resolve", True), ("inventory", True), ("parse", True)]
    assert found[-1].host_names == ("lic01",)


async def test_a_license_manager_that_is_not_there(tmp_path: Path) -> None:
    async with tcp_server(never_reply) as port:
        pass
    found = await probe_steps(flexnet(lmutil(tmp_path, REFUSED), port))
    assert outcomes(found) == [("resolve", True), ("connect", False)]
    assert f"connection refused by 127.0.0.1:{port}" in found[-1].detail
    (found_none,) = await probe_steps(
        Server("x", SourceName.LMSTAT, address="@no-such-host.invalid")
    )
    assert (found_none.step, found_none.ok) == (Step.RESOLVE, False)


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        (REFUSED, ["inventory"]),
        ("hello", ["inventory", "parse"]),
    ],
)
async def test_what_lmstat_cannot_read(tmp_path: Path, text: str, steps: list[str]) -> None:
    async with tcp_server(never_reply) as port:
        found = await probe_steps(flexnet(lmutil(tmp_path, text), port))
    assert [finding.step.value for finding in found[2:]] == steps
    assert not found[-1].ok
    assert found[-1].hint


@pytest.mark.parametrize("address", ["", "lic 01", "0@lic01", "70000@lic01", "27000@lic01/x"])
async def test_an_address_that_flexnet_cannot_use(address: str) -> None:
    (found,) = await probe_steps(Server("x", SourceName.LMSTAT, address=address))
    assert (found.step, found.ok) == (Step.RESOLVE, False)
    assert "27000@lic01" in found.hint


async def test_a_command_goes_its_own_way() -> None:
    server = Server("x", SourceName.COMMAND, command=("/no/such/program",), format="lmstat")
    found = await probe_steps(server)
    assert outcomes(found) == [("inventory", False)]


async def test_a_host_key_that_is_not_the_known_one_is_a_finding(tmp_path: Path) -> None:
    ssh = tmp_path / "ssh"
    ssh.write_text("#!/bin/sh\necho 'Host key verification failed.' >&2\nexit 255\n")
    ssh.chmod(0o755)
    server = Server("x", SourceName.COMMAND, command=(str(ssh), "lic01", "x"), format="wmi-json")
    (found,) = await probe_steps(server)
    assert (found.step, found.ok) == (Step.TLS, False)
    assert found.detail
