"""Pushing: everything is in the engine once, whatever fails in between."""

from datetime import UTC, date, datetime

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from tests.history.history_fixture import DAY, HOUR, MIDNIGHT, PRODUCT
from tests.longterm.conftest import SETTINGS, PushFixture
from tests.longterm.fake_prometheus import FakePrometheus, write_request
from tests.support.values import poll, pool, server, snapshot

from lictui.config.settings import LongTermSettings, Settings
from lictui.engine.board import Board, apply_poll, with_servers
from lictui.engine.merge import merge_board
from lictui.export.openmetrics import openmetrics_text
from lictui.model import Activation, ActivationStatus, FailureKind
from lictui.sources.source import SourceError

NOON = MIDNIGHT + 12 * HOUR


def record_day(push: PushFixture, *names: str) -> None:
    for name in names or ("lic-01",):
        push.poll_series(MIDNIGHT, range(48), name, every=900.0)
    push.clock._now = NOON


async def test_push_sends_readings_with_their_times_and_the_labels_of_openmetrics(
    push: PushFixture, fake: FakePrometheus
) -> None:
    record_day(push)
    push.record_failure(NOON, every=900.0)
    assert await push.push() == 4 * 48 - 48 + 48 + 1
    readings = [(MIDNIGHT + 900 * turn, float(turn)) for turn in range(48)]
    labels = {"server": "lic-01", "group": "emea", "source": "winrm"}
    of_pool = labels | {"product": PRODUCT, "model": "user_device"}
    assert fake.of("citrix_license_in_use", **of_pool) == readings
    assert fake.of("citrix_license_installed", **of_pool) == [(at, 500.0) for at, _ in readings]
    assert fake.of("citrix_license_overdraft", **of_pool) == [(at, 50.0) for at, _ in readings]
    up = [(at, 1.0) for at, _ in readings]
    assert fake.of("citrix_license_server_up", **labels) == [*up, (NOON, 0.0)]


async def test_push_and_scrape_have_the_same_names_and_labels(
    push: PushFixture, fake: FakePrometheus
) -> None:
    lic, until = server("lic-01", group="emea"), date(2027, 3, 31)
    result = snapshot(
        pool(subscription=date(2026, 12, 1), expires=until),
        activation=Activation(ActivationStatus.ACTIVATED, until),
    )
    push.history.append(lic, poll(result, "lic-01", MIDNIGHT))
    await push.push()
    board = apply_poll(with_servers(Board(), [lic]), poll(result, "lic-01", MIDNIGHT), None)
    text = openmetrics_text(merge_board(board)).decode()
    scraped = {
        tuple(sorted({"__name__": sample.name, **sample.labels}.items()))
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert len(fake.samples) == 7
    assert set(fake.samples) <= scraped
    (end,) = fake.of("citrix_license_expiry_timestamp_seconds", server="lic-01")
    assert end == (MIDNIGHT, datetime(2027, 3, 31, tzinfo=UTC).timestamp())


async def test_push_sends_buckets_where_readings_expired(
    push: PushFixture, fake: FakePrometheus
) -> None:
    push.poll_series(MIDNIGHT, (1, 5, 3, 2, 2), every=60.0)  # 5 readings in 5 minutes
    push.poll_series(MIDNIGHT + 300, (7, 8), every=300.0)
    push.poll_series(MIDNIGHT + 5 * DAY, range(48), every=300.0)
    push.clock._now = MIDNIGHT + 5 * DAY + 12 * HOUR
    push.history.compact_all()
    await push.push()
    bucket = {
        metric: fake.of(f"citrix_license_in_use_{metric}", resolution="5m")
        for metric in ("min", "avg", "max", "max_timestamp_seconds", "last", "samples")
    }
    values = (1.0, 2.6, 5.0, MIDNIGHT + 60.0, 2.0, 5.0)
    assert bucket == {
        metric: [(MIDNIGHT, value)] for metric, value in zip(bucket, values, strict=True)
    }
    # A bucket of one reading is that reading.
    assert fake.of("citrix_license_in_use")[:2] == [(MIDNIGHT + 300, 7.0), (MIDNIGHT + 600, 8.0)]


async def test_push_leaves_out_buckets_whose_readings_were_pushed_before_they_expired(
    push: PushFixture, fake: FakePrometheus
) -> None:
    push.poll_series(MIDNIGHT, (1, 5, 3, 2, 2), every=60.0)
    push.poll_series(MIDNIGHT + 5 * DAY, range(48), every=300.0)
    push.clock._now = MIDNIGHT + 5 * DAY + 12 * HOUR
    await push.push()
    push.history.compact_all()
    push.pusher.forget()
    assert await push.push() == 0
    assert (await push.pusher.compare({})).missing == 0
    assert fake.of("citrix_license_in_use_max") == []


async def test_push_of_several_days_is_cut_into_requests(
    push: PushFixture, fake: FakePrometheus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lictui.longterm.push._CHUNK", DAY)
    monkeypatch.setattr("lictui.longterm.push._BATCH", 2 * 96)
    for name in ("lic-01", "lic-02"):
        push.poll_series(MIDNIGHT, range(120), name, every=900.0)
    push.clock._now = MIDNIGHT + 119 * 900
    assert await push.push() == 2 * 4 * 120
    writes = (r.content for r in fake.requests if r.url.path.endswith("write"))
    sizes = [sum(len(samples) for _, samples in write_request(body)) for body in writes]
    assert sizes == [2 * 96] * 5
    comparison = await push.pusher.compare({})
    assert (comparison.local, comparison.missing, comparison.doubled) == (2 * 4 * 120, 0, 0)
    assert comparison.incomplete == set()


@pytest.mark.parametrize("failure", ["before", "after", "429", "503"])
async def test_push_stores_nothing_twice_after_a_failure(
    push: PushFixture, fake: FakePrometheus, failure: str
) -> None:
    record_day(push, "lic-01", "lic-02")
    fake.failures = ["", "", failure]  # the two servers are read, then written
    with pytest.raises(SourceError):
        await push.push()
    assert push.pusher.waiting({})
    await push.push()
    assert len(fake.of("citrix_license_in_use")) == 2 * 48
    assert push.pusher.waiting({}) == {}
    comparison = await push.pusher.compare({})
    assert (comparison.missing, comparison.different, comparison.doubled) == (0, 0, 0)
    assert comparison.local == comparison.stored == 2 * 4 * 48
    assert len(set(comparison.checksums)) == 1
    assert await push.push() == 0
    push.record(NOON, 99, every=900.0)
    fake.failures = [failure]
    with pytest.raises(SourceError):
        await push.push()
    await push.push()
    assert fake.of("citrix_license_in_use", server="lic-01")[-2:] == [
        (NOON - 900, 47.0),
        (NOON, 99.0),
    ]


async def test_push_of_new_readings_reads_nothing_back(
    push: PushFixture, fake: FakePrometheus
) -> None:
    record_day(push)
    await push.push()
    push.record(NOON, 99, every=900.0)
    before = len(fake.requests)
    assert await push.push() == 4
    assert [request.url.path for request in fake.requests[before:]] == ["/api/v1/write"]
    assert fake.of("citrix_license_in_use")[-1] == (NOON, 99.0)


async def test_push_compares_the_last_hour_after_a_restart(
    push: PushFixture, fake: FakePrometheus
) -> None:
    record_day(push)
    await push.push()
    for samples in fake.samples.values():  # the engine was killed and lost its last seconds
        del samples[-1:]
    push.restart()
    assert await push.push() == 4
    assert len(fake.of("citrix_license_in_use")) == 48


async def test_push_sends_what_was_recorded_late_renamed_or_forgotten(
    push: PushFixture, fake: FakePrometheus
) -> None:
    record_day(push)
    await push.push()
    push.record(MIDNIGHT + 60, 7, every=900.0)
    assert await push.push() == 4
    push.pusher.forget()
    assert await push.push() == 0  # the engine has everything
    push.history.rename_server("lic-01", "lic-02")
    await push.push()
    assert fake.of("citrix_license_in_use", server="lic-02") == fake.of(
        "citrix_license_in_use", server="lic-01"
    )


async def test_push_without_an_engine_to_read_sends_again_what_may_be_stored(
    push: PushFixture, fake: FakePrometheus
) -> None:
    record_day(push)
    push.restart(Settings(long_term=LongTermSettings(SETTINGS.long_term.push)))
    fake.failures = ["before"]
    with pytest.raises(SourceError):
        await push.push()
    await push.push()
    assert len(fake.of("citrix_license_in_use")) == 48


async def test_push_finds_differences_of_the_engine(
    push: PushFixture, fake: FakePrometheus
) -> None:
    record_day(push)
    await push.push()
    for labels, samples in fake.samples.items():
        if dict(labels)["__name__"] == "citrix_license_in_use":
            samples[:3] = [samples[0], samples[0], (samples[2][0], -1.0)]
    comparison = await push.pusher.compare({"lic-01": server()})
    assert (comparison.missing, comparison.different, comparison.doubled) == (1, 1, 1)
    assert len(set(comparison.checksums)) == 2
    assert comparison.incomplete == {"lic-01"}


async def test_push_sends_credentials_and_headers_and_never_shows_them(
    push: PushFixture, fake: FakePrometheus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "t0ken-t0ken-t0ken-t0ken-t0ken")
    base = LongTermSettings(
        "http://engine.example/insert/0/prometheus/api/v1/write",
        "http://engine.example/select/0/prometheus",
        secret="env:TOKEN",
        headers=("X-Scope-OrgID: licenses",),
    )
    record_day(push)
    push.restart(Settings(long_term=base))
    fake.failures = ["", "401"]
    with pytest.raises(SourceError) as error:
        await push.push()
    assert error.value.failure.kind is FailureKind.AUTH
    assert "t0ken" not in str(error.value)
    read, write = fake.requests
    assert read.url.path == "/select/0/prometheus/api/v1/query"
    assert write.headers["Authorization"] == "Bearer t0ken-t0ken-t0ken-t0ken-t0ken"
    assert read.headers["X-Scope-OrgID"] == write.headers["X-Scope-OrgID"] == "licenses"
