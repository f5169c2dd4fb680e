from datetime import date

import pytest
from msgspec.structs import replace
from tests.support.clock import START
from tests.support.values import failure, poll, pool, server, snapshot

from lictui.config.settings import AlertSettings
from lictui.engine.board import Board, ServerStatus, apply_poll, with_servers
from lictui.engine.journal import change_events
from lictui.engine.recorder import Recorder
from lictui.model import (
    Activation,
    ActivationStatus,
    Certificate,
    Event,
    EventKind,
    Failure,
    Level,
    Mode,
    Notice,
    Reading,
    Snapshot,
    SourceName,
    State,
)

FRESH = with_servers(Board(), (server(),))


def events(*results: Snapshot | Failure) -> tuple[Event, ...]:
    """The events of the last of these results, in a row."""
    board = FRESH
    last: tuple[Event, ...] = ()
    for number, result in enumerate(results):
        before = board.servers[0]
        board = apply_poll(board, poll(result, at=START + number * 60))
        last = change_events(before, board.servers[0], AlertSettings())
    return last


OLD, NEW = pool(subscription=date(2026, 12, 1)), pool(subscription=date(2027, 12, 1))
USED = pool(in_use=1)
ACTIVE = Activation(ActivationStatus.ACTIVATED, date(2026, 12, 3))


@pytest.mark.parametrize(
    ("results", "messages"),
    [
        ([snapshot()], ["first successful poll"]),
        ([snapshot(), failure()], ["down: no answer"]),
        ([snapshot(), failure(), snapshot()], ["recovered"]),
        ([snapshot(), snapshot()], []),
        ([failure(), failure()], []),
        ([snapshot(OLD), snapshot(NEW)], ["500 licenses removed", "500 licenses added"]),
        ([snapshot(USED), snapshot(pool(installed=600, in_use=1))], ["installed 500 -> 600"]),
        (
            [snapshot(pool(expires=date(2027, 3, 31))), snapshot(pool(expires=date(2028, 3, 31)))],
            ["expiry changed from 2027-03-31 to 2028-03-31"],
        ),
        (  # A pool that gets a date is neither removed nor added.
            [snapshot(pool(installed=100)), snapshot(replace(NEW, reading=Reading(412, 600)))],
            ["installed 100 -> 600"],
        ),
        (
            [snapshot(), snapshot(activation=ACTIVE)],
            ["LAS activation: activated, expires 2026-12-03"],
        ),
        ([snapshot(version="1"), snapshot(version="2")], ["version 1 -> 2"]),
        (
            [snapshot(pool(in_use=100)), failure(), snapshot(pool(in_use=520))],
            ["recovered", "ok -> overdraft, 520 of 500"],
        ),
        (  # Start-up licenses have no level.
            [snapshot(pool(counted=False, in_use=0)), snapshot(pool(counted=False))],
            [],
        ),
    ],
)
def test_changes_between_two_polls_are_events(
    results: list[Snapshot | Failure], messages: list[str]
) -> None:
    found = events(*results)
    assert [event.message for event in found] == messages
    assert {event.time for event in found} <= {START + 60 * (len(results) - 1)}


def test_notice_is_an_event_once_whatever_count_its_detail_has() -> None:
    first, second = (Notice("server", Level.WARN, "Nearly used up", f"{n} left") for n in (3, 2))
    worse = replace(second, level=Level.CRITICAL)
    assert events(snapshot(notices=(first,)), snapshot(notices=(second,))) == ()
    (event,) = events(snapshot(notices=(first,)), snapshot(notices=(worse,)))
    assert (event.kind, event.level) == (EventKind.NOTICE, Level.CRITICAL)
    assert event.message == "Nearly used up"


def test_merged_server_logs_a_change_once() -> None:
    site = server("ddc", source=SourceName.CVAD, same_as="lic-01")
    registry = (server(), site, server("alone"))
    recorder = Recorder(with_servers(Board(), registry), AlertSettings())
    said: list[Event] = []
    for in_use in (100, 520):
        for each in registry:
            told = snapshot(pool(in_use=in_use, installed=500), mode=Mode.FILE)
            recorder.record([(each, poll(told, each.name), None)])
    for _, _, events_ in recorder.take_unwritten().polls:
        said += events_
    assert [(each.server, each.kind) for each in said] == [
        ("lic-01", EventKind.SERVER),
        ("ddc", EventKind.SERVER),
        ("alone", EventKind.SERVER),
        ("lic-01", EventKind.LEVEL),
        ("alone", EventKind.LEVEL),
    ]


def test_new_certificate_is_an_event_except_of_citrix_services() -> None:
    first = Certificate("aa" * 32, date(2026, 1, 1), date(2026, 12, 1))
    second = Certificate("4f1b22c0" + "b" * 56, date(2026, 11, 1), date(2027, 3, 12))
    old, new = snapshot(certificate=first), snapshot(certificate=second)
    (event,) = events(old, new)
    assert event.kind is EventKind.CERTIFICATE
    assert event.message == "certificate changed: sha256:4f1b22c0…, valid until 12 Mar 2027"
    assert events(old, old) == events(snapshot(), new) == events(old, snapshot()) == ()
    account = server(source=SourceName.CITRIX_CLOUD, url="https://api.cloud.com")
    before, after = (ServerStatus(account, State.UP, snapshot=each) for each in (old, new))
    assert change_events(before, after, AlertSettings()) == ()


def test_change_of_product_proposes_to_join_the_histories() -> None:
    found = events(snapshot(pool("OLD_UD"), pool("X")), snapshot(pool("NEW_CCS"), pool("X")))
    (event,) = [event for event in found if event.message.startswith("replaces")]
    assert (event.kind, event.product) == (EventKind.LICENSES, "NEW_CCS")
    assert event.message == 'replaces OLD_UD: set continues = "OLD_UD" to join their history'
    assert not any(
        event.message.startswith("replaces")
        for event in events(snapshot(pool("OLD_UD")), snapshot(pool("A"), pool("B")))
    )
