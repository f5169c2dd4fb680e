"""The whole simulated estate, read by the program itself: every source, every figure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from lictui.config.settings import Retention
from lictui.history.store import History
from lictui.simulator.backfill import reported_fields
from lictui.simulator.demo import Demo
from lictui.simulator.estate import FaultMode, License, ServerKind, SimulatedEstate, SimulatedServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.end_to_end.conftest import Program


pytestmark = pytest.mark.slow

_STATES = {FaultMode.NORMAL: "up", FaultMode.DENIED: "denied", FaultMode.EMPTY: "no_data"}
_Row = tuple[str, str]  # product, subscription date
_Figures = tuple[int | None, int | None, int | None]  # installed, overdraft, in use


class Reading:
    """What one `status` said, and what the estate was before and after it."""

    def __init__(self, program: Program, demo: Demo) -> None:
        program.paths = demo.paths
        estate, clock = demo.estate, demo.clock
        before = clock.now()
        answer = program.json("status", "--timeout", "20")
        after = clock.now()
        self.said: dict[str, dict[str, Any]] = {each["name"]: each for each in answer["servers"]}
        self.totals: list[dict[str, Any]] = answer["totals"]
        self.servers = {server.name: server for server in estate.servers}
        self.before = {name: _told(estate, each, before) for name, each in self.servers.items()}
        self.after = {name: _told(estate, each, after) for name, each in self.servers.items()}


def _told(estate: SimulatedEstate, server: SimulatedServer, at: float) -> dict[_Row, _Figures]:
    """What the server is expected to tell: the estate's inventory, as far as its way tells it."""
    held: dict[tuple[str, object], License] = {
        (each.product, each.subscription_date): each
        for each in estate.inventory_at(server.name, at)
    }
    told: dict[_Row, _Figures] = {}
    for pool in server.pools:
        ways, each = reported_fields(server, pool), held[pool.product, pool.subscription_date]
        row = ways.key.product, ways.key.subscription_date
        assert row not in told
        told[row] = (*ways.figures(each.installed, each.overdraft), each.in_use)
    return told


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    with Demo(1, 1.0, past=False) as running:
        yield running


@pytest.fixture
def reading(program: Program, demo: Demo) -> Reading:
    return Reading(program, demo)


def test_every_server_of_every_source_tells_what_it_holds(reading: Reading) -> None:
    assert set(reading.said) == set(reading.servers)
    kinds = set()
    for name, server in reading.servers.items():
        said = reading.said[name]
        assert said["state"] == _STATES[server.fault], (name, said["reason"])
        if said["state"] != "up":
            assert said["pools"] == []
            continue
        kinds.add(server.kind)
        found = {
            (pool["product"], pool["subscription_date"] or ""): (
                pool["installed"],
                pool["overdraft"],
                pool["in_use"],
            )
            for pool in said["pools"]
        }
        assert len(found) == len(said["pools"])
        before, after = reading.before[name], reading.after[name]
        assert set(found) == set(before), name
        for row, figures in found.items():
            assert figures[:2] == before[row][:2] == after[row][:2], (name, row)
            # The estate goes on while it is read.
            low, high = sorted((before[row][2] or 0, after[row][2] or 0))
            assert figures[2] is not None
            assert low <= figures[2] <= high, (name, row)
    assert kinds == set(ServerKind)


def test_a_license_server_in_three_ways_counts_once(reading: Reading) -> None:
    ways = [each for each in reading.servers.values() if each.same_as == "lic-emea-06"]
    assert len(ways) == 2
    counted = Counter(
        name
        for name in ("lic-emea-06", *(way.name for way in ways))
        for pool in reading.said[name]["pools"]
        if pool["counted"]
    )
    assert counted.total() == 1
    (total,) = (each for each in reading.totals if each["product"] == "XDT_ENT_UD")
    once = ("ddc-us-01", "lic-emea-06", "las-apac-03")
    installed = (
        figures[0] or 0
        for name in once
        for row, figures in reading.before[name].items()
        if row[0] == "XDT_ENT_UD"
    )
    assert total["installed"] == sum(installed)


def test_a_partner_lists_license_servers_in_every_state(reading: Reading) -> None:
    listed = {each["host_id"]: each for each in reading.said["csp-partner"]["license_servers"]}
    assert {host: each["status"] for host, each in listed.items()} == {
        "LIC-EMEA-01": "reporting",
        "LIC-APAC-01": "reporting",
        "LIC-US-01": "reporting",
        "LIC-APAC-02": "not_reporting",
        "LIC-EMEA-03": "never_reported",
        "LIC-US-07": "expired",
        "LIC-LAB-01": "reporting",
    }
    assert listed["LIC-EMEA-01"]["fqdn"] == "lic-emea-01.corp.example"
    assert listed["LIC-EMEA-03"]["last_reported"] is None
    assert listed["LIC-APAC-01"]["days_to_expire"] in (61, 62)
    assert listed["LIC-US-07"]["days_to_expire"] <= 0


def test_the_cloud_says_when_its_entitlement_ends(reading: Reading) -> None:
    (pool,) = reading.said["daas-eu"]["pools"]
    expected = reading.servers["daas-eu"].pools[0].expires
    assert expected is not None
    assert pool["expires"] == expected.isoformat()


def test_a_year_of_the_past_has_the_same_pools(program: Program) -> None:
    with Demo(1, 1.0) as demo:
        program.paths = demo.paths
        before = _known(demo)
        program.json("status", "--timeout", "20")
        assert _known(demo) == before
    assert {"daas-eu", "csp-partner", "lic-legal-01", "lic-emea-04"} <= {
        server for server, *_ in before
    }


def _known(demo: Demo) -> set[tuple[str, str, str, str]]:
    with History.open(demo.paths.history, Retention(), demo.clock) as history:
        return {
            (pool.server, pool.product, pool.subscription_date, pool.model)
            for pool in history.pools()
        }
