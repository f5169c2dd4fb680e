"""The report as one HTML file: template and style sheet are package data next to this module."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

from lictui.report import svg
from lictui.report.sections import build_tree, format_cell

if TYPE_CHECKING:
    from lictui.report.model import MonthlyReport


def render_html(report: MonthlyReport) -> str:
    """Return the whole file; it loads nothing from elsewhere."""
    environment = Environment(
        loader=PackageLoader("lictui.report", ""),
        autoescape=True,  # names come from license servers
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    template = environment.get_template("report.html.j2")
    return template.render(
        tree=build_tree(report),
        style=files("lictui.report").joinpath("style.css").read_text(encoding="utf-8"),
        zone=report.zone,
        format_cell=format_cell,
        draw_chart=svg.draw_chart,
        draw_meter=svg.draw_meter,
    )
