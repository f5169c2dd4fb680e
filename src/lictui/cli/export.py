"""`lictui export`: rules, dashboards and templates for other monitoring systems."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from lictui.cli.context import load_configuration
from lictui.cli.options import CommandContext, output_option
from lictui.cli.output import open_text
from lictui.export.grafana import grafana_dashboard
from lictui.export.rules import prometheus_rules
from lictui.export.templates import icinga_command, read_template

_KINDS = ("rules", "grafana", "icinga", "zabbix")


@click.command(epilog="Example: lictui export rules -o /etc/prometheus/rules/lictui.yml")
@click.argument("kind", type=click.Choice(_KINDS))
@output_option
@click.pass_obj
def export(context: CommandContext, /, *, kind: str, output: str | None) -> None:
    """Write rules, a dashboard or a template for another monitoring system.

    rules: Prometheus alert rules; grafana: a dashboard; icinga: a CheckCommand; zabbix: a template.
    Thresholds are those of the configuration.
    """
    settings, servers = load_configuration(context)
    match kind:
        case "rules":
            text = prometheus_rules(settings, servers)
        case "grafana":
            text = grafana_dashboard(settings)
        case "icinga":
            text = icinga_command(own_command())
        case _:
            text = read_template("zabbix.json", {})
    with open_text(output) as out:
        out.write(text)


def own_command() -> list[str]:
    """Return the command that starts this program, to be run by another one."""
    program = Path(sys.argv[0]).absolute()
    return [str(program)] if program.name == "lictui" else [sys.executable, "-m", "lictui"]
