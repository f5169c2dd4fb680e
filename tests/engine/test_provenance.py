"""Where the figures of the data sources come from."""

import pytest
from msgspec.structs import replace
from tests.support.example_board import TIMEOUT_FAILURE, down_status, pool, up_status

from lictui.engine.board import Board, ServerStatus
from lictui.engine.merge import merge_board
from lictui.engine.provenance import installed_sum, product_pools

CODE = "XDT_PLT_UD"
A, B = up_status("a", pool(CODE, 1, 1000)), up_status("b", pool(CODE, 1, 500))


def shared(status: ServerStatus) -> ServerStatus:
    return replace(status, server=replace(status.server, entitlement="acme"))


@pytest.mark.parametrize(
    ("statuses", "text"),
    [
        ((A,), "installed 1,000 = a 1,000"),
        ((A, B), "installed 1,500 = a 1,000 + b 500"),
        ((shared(A), shared(B)), "installed 1,000 = a 1,000 + b same licenses"),
        ((A, up_status("b", pool(CODE, 1, None))), "installed at least 1,000 = a 1,000 + b ?"),
        ((up_status("b", pool(CODE, 1, None)),), "installed ? = b ?"),
        ((A, down_status(B, TIMEOUT_FAILURE)), "installed 1,000 = a 1,000"),
        ((down_status(B, TIMEOUT_FAILURE),), "installed ? = ?"),
    ],
    ids=["one", "two", "shared", "one unknown", "unknown", "one is down", "down"],
)
def test_installed_is_the_sum_of_what_each_server_reports(
    statuses: tuple[ServerStatus, ...], text: str
) -> None:
    pools = product_pools(merge_board(Board(statuses)), ("a", "b"), CODE)
    assert installed_sum(pools) == text
