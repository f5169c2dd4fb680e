"""The simulated estate, read by the program: every source, every figure."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from tests.end_to_end.conftest import Program
from tests.support.demo import Demo, run_demo

from lictui.config.settings import Retention
from lictui.history.store import History
from lictui.simulator import FaultMode, License
from lictui.simulator.backfill import reported_fields
from lictui.simulator.estate import ServerKind

pytestmark = pytest.mark.slow

_STATES = {FaultMode.NORMAL: "up", FaultMode.DENIED: "denied", FaultMode.EMPTY: "no_data"}
_Row = tuple[str, str]  # product, subscription date
_Figures = tuple[int | None, int | None, int | None]  # installed, overdraft, in use


class Reading:
    """The output of one `status`, and the estate before and after it."""

    def __init__(self, program: Program, demo: Demo) -> None:
        program.paths = demo.paths
        self.servers = {server.name: server for server in demo.estate.servers}
        self.before = _expected(demo)
        document = program.json("status", "--timeout", "20")
        self.after = _expected(demo)
        self.listed: dict[str, dict[str, Any]] = {s["name"]: s for s in document["servers"]}
        self.totals: list[dict[str, Any]] = document["totals"]


def _expected(demo: Demo) -> dict[str, dict[_Row, _Figures]]:
    """Return what each server should report now, as far as its source reports it."""
    now, expected = demo.clock.now(), {}
    for server in demo.estate.servers:
        licenses: dict[tuple[str, object], License] = {
            (license_.product, license_.subscription_date): license_
            for license_ in server.inventory_at(now)
        }
        rows: dict[_Row, _Figures] = {}
        for pool in server.pools:
            fields = reported_fields(server, pool)
            license_ = licenses[pool.product, pool.subscription_date]
            row = fields.key.product, fields.key.subscription_date
            assert row not in rows
            installed, overdraft = fields.figures(license_.installed, license_.overdraft)
            rows[row] = installed, overdraft, license_.in_use
        expected[server.name] = rows
    return expected


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    with run_demo(1, 1.0, past=False) as running:
        yield running


@pytest.fixture
def reading(program: Program, demo: Demo) -> Reading:
    return Reading(program, demo)


def test_status_matches_the_estate_for_every_source(reading: Reading) -> None:
    assert set(reading.listed) == set(reading.servers)
    kinds = set()
    for name, server in reading.servers.items():
        listed = reading.listed[name]
        assert listed["state"] == _STATES[server.fault], (name, listed["reason"])
        if listed["state"] != "up":
            assert listed["pools"] == []
            continue
        kinds.add(server.kind)
        reported = {
            (pool["product"], pool["subscription_date"] or ""): (
                pool["installed"],
                pool["overdraft"],
                pool["in_use"],
            )
            for pool in listed["pools"]
        }
        assert len(reported) == len(listed["pools"])
        before, after = reading.before[name], reading.after[name]
        assert set(reported) == set(before), name
        for row, figures in reported.items():
            assert figures[:2] == before[row][:2] == after[row][:2], (name, row)
            # The estate changes while it is read.
            low, high = sorted((before[row][2] or 0, after[row][2] or 0))
            assert figures[2] is not None
            assert low <= figures[2] <= high, (name, row)
    assert kinds == set(ServerKind)


def test_license_server_with_three_sources_counts_once(reading: Reading) -> None:
    members = [
        server.name for server in reading.servers.values() if server.same_as == "lic-emea-06"
    ]
    assert len(members) == 2
    counted = Counter(
        name
        for name in ("lic-emea-06", *members)
        for pool in reading.listed[name]["pools"]
        if pool["counted"]
    )
    assert counted.total() == 1
    (total,) = (row for row in reading.totals if row["product"] == "XDT_ENT_UD")
    once = ("ddc-us-01", "lic-emea-06", "las-apac-03")
    installed = (
        figures[0] or 0
        for name in once
        for row, figures in reading.before[name].items()
        if row[0] == "XDT_ENT_UD"
    )
    assert total["installed"] == sum(installed)


def test_generated_history_has_the_pools_of_the_servers(program: Program) -> None:
    with run_demo(1, 1.0) as demo:
        program.paths = demo.paths
        before = _pools(demo)
        program.json("status", "--timeout", "20")
        assert _pools(demo) == before
    assert {"daas-eu", "csp-partner", "lic-legal-01", "lic-emea-04"} <= {
        server for server, *_ in before
    }


def _pools(demo: Demo) -> set[tuple[str, str, str, str]]:
    with History(demo.paths.history, Retention(), demo.clock) as history:
        return {
            (pool.server, pool.product, pool.subscription_date, pool.model)
            for pool in history.pools()
        }
