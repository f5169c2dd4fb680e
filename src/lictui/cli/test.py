"""`lictui servers test`: tries one server step by step, and says what each step found.

Exit 0 if every step passed, 1 if one failed.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

import click

from lictui.cli.selection import load, select

if TYPE_CHECKING:
    from lictui.cli.context import Context
    from lictui.config.settings import Limits
    from lictui.model import Finding, Server

_STEP_WIDTH: Final = 9
_TIME_WIDTH: Final = 7
_INDENT: Final = " " * (3 + _STEP_WIDTH + 1 + _TIME_WIDTH + 2)


@click.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print the steps as JSON.")
@click.pass_obj
def test(context: Context, /, *, name: str, as_json: bool) -> int:
    """Try one server: resolve, connect, tls, auth, inventory, parse."""
    from lictui.sources.resolver import run  # noqa: PLC0415 - `--help` connects to nobody

    settings, servers = load(context)
    (server,) = select(servers, (name,))
    color = False if context.no_color or os.environ.get("NO_COLOR") else None
    findings = run(_findings(server, settings.limits, quiet=as_json, color=color))
    if as_json:
        click.echo(json.dumps(_as_json(server, findings), indent=2, ensure_ascii=False))
    return 0 if findings[-1].ok else 1


async def _findings(
    server: Server, limits: Limits, *, quiet: bool, color: bool | None
) -> list[Finding]:
    """Every finding, each printed as its step ends unless `quiet`."""
    from lictui.clock import SystemClock  # noqa: PLC0415 - `--help` does not need it
    from lictui.sources.probe import probe  # noqa: PLC0415 - `--help` does not need httpx

    findings = []
    if not quiet:
        click.echo(f"Test {server.name}")
    async with aclosing(probe(server, limits, SystemClock())) as steps:
        async for finding in steps:
            findings.append(finding)
            if not quiet:
                click.echo(_line(finding), color=color)
    return findings


def _line(finding: Finding) -> str:
    """` ✔ resolve      2 ms  10.1.0.7`, the hint below it; 7-bit marks where nothing else shows."""
    good, bad, arrow = ("✔", "✖", "→") if _draws("✔✖→") else ("+", "x", "->")
    mark = click.style(good, fg="green") if finding.ok else click.style(bad, fg="red")
    time = f"{finding.seconds * 1000:.0f} ms"
    detail = finding.detail.replace(" · sha256:", f"\n{_INDENT}sha256:")
    line = f" {mark} {finding.step.value:<{_STEP_WIDTH}} {time:>{_TIME_WIDTH}}  {detail}"
    if finding.hint:
        line += f"\n{_INDENT}{arrow} {finding.hint}"
    return line.encode(_encoding(), "replace").decode(_encoding())


def _draws(characters: str) -> bool:
    try:
        characters.encode(_encoding())
    except UnicodeEncodeError:
        return False
    return True


def _encoding() -> str:
    return sys.stdout.encoding or "ascii"


def _as_json(server: Server, findings: list[Finding]) -> dict[str, object]:
    return {
        "schema": "lictui.test/1",
        "server": server.name,
        "ok": findings[-1].ok,
        "steps": [
            {
                "step": finding.step.value,
                "ok": finding.ok,
                "detail": finding.detail,
                "ms": round(finding.seconds * 1000),
            }
            for finding in findings
        ],
    }
