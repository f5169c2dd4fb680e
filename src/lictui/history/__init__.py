"""The local history in SQLite: the only package that uses SQL.

CSV import and export, and the search for peaks, are imported from their modules: start-up does
not need them.
"""

from lictui.history.errors import HistoryError
from lictui.history.journal import AlertChanges
from lictui.history.memberships import Membership, ServerPool, memberships
from lictui.history.polls import LastPoll
from lictui.history.pools import Capacity, KnownPool
from lictui.history.store import History, HistoryStats

__all__ = [
    "AlertChanges",
    "Capacity",
    "History",
    "HistoryError",
    "HistoryStats",
    "KnownPool",
    "LastPoll",
    "Membership",
    "ServerPool",
    "memberships",
]
