"""What polling, pushing and scraping leave behind: nothing, however long it goes on."""

import gc
from collections import Counter

from tests.engine.conftest import EngineHarness
from tests.longterm.conftest import fake
from tests.longterm.fake_prometheus import FakePrometheus
from tests.support.values import pool, server, snapshot

from lictui.engine.engine import RunScope
from lictui.export.openmetrics import openmetrics_text

__all__ = ["fake"]  # a fixture
NAMES = ("lic-01", "lic-02", "lic-03")
FIRST, ROUNDS = 12, 3
OURS = ("lictui.", "_asyncio", "asyncio.", "httpx.", "prometheus_client.")


async def test_polls_pushes_and_scrapes_leave_no_objects_behind(
    harness: EngineHarness, fake: FakePrometheus
) -> None:
    harness.register(*(server(name, interval=60.0) for name in NAMES))
    engine = await harness.engine(RunScope(push="http://engine.example/api/v1/write"))
    pushed = 0

    async def live(rounds: int) -> Counter[str]:
        nonlocal pushed
        for number in range(rounds):
            for name in NAMES:
                harness.replies[name] = snapshot(pool(in_use=100 + number, installed=500))
            await harness.clock.advance(60)
            openmetrics_text(engine.board)
            pushed += len(fake.samples)
            fake.samples.clear()
            fake.requests.clear()
            del harness.polled_names[:], harness.boards[:]
        gc.collect()
        types = [type(value) for value in gc.get_objects()]
        return Counter(kind.__name__ for kind in types if str(kind.__module__).startswith(OURS))

    before = await live(FIRST)  # the first look after the history comes in it, too
    after = await live(ROUNDS)
    assert pushed >= len(NAMES) * (FIRST + ROUNDS)
    assert {name: after[name] - before[name] for name in after if after[name] > before[name]} == {}
