"""Outputs of lmstat, written from its grammar, and helpers to parse them."""

from datetime import datetime
from pathlib import Path

from tests.support.polls import failure_in

from lictui.model import Failure, Notice, Pool, Snapshot
from lictui.sources.flexnet.source import lmstat_snapshot

OUTPUTS = Path(__file__).parents[1] / "sources" / "flexnet" / "outputs"
CITRIX = (OUTPUTS / "citrix.txt").read_text()
VENDORS = (OUTPUTS / "vendors.txt").read_text()
NOW = datetime(2026, 11, 24, 9, 15).timestamp()  # noqa: DTZ001 - lmstat prints local times
HEAD = """lmutil - Copyright (c) 1989-2026 Flexera. All Rights Reserved.
License server status: 27000@h1
h1: license server UP (MASTER) v11.13
Vendor daemon status (on h1):
  {vendor}: UP v11.13
Feature usage info:
"""


def parse_output(text: str) -> Snapshot:
    return lmstat_snapshot(text, "27000@lic01")


def pool(text: str, product: str) -> Pool:
    (match,) = [item for item in parse_output(text).pools if item.product == product]
    return match


def feature(*lines: str, vendor: str = "vendord") -> str:
    return HEAD.format(vendor=vendor) + "\n".join(lines)


def notice(text: str, title: str) -> Notice:
    (match,) = [item for item in parse_output(text).notices if title in item.title]
    return match


def parse_error(text: str) -> Failure:
    return failure_in(lambda: parse_output(text))


def local_timestamp(*moment: int) -> float:
    return datetime(*moment).timestamp()  # type: ignore[arg-type]  # noqa: DTZ001 - as printed
