"""Citrix Cloud's licensing API, simulated.

Read it from `service` (which path answers what, to whom) over `login` (tokens) and `replies`
(errors) to `bodies` (field names) and `account` (the figures).
"""

from lictui.simulator.cloud.account import (
    Account,
    Assigned,
    Change,
    Concurrent,
    Month,
    MonthCount,
    Peak,
)
from lictui.simulator.cloud.service import serve_cloud

__all__ = [
    "Account",
    "Assigned",
    "Change",
    "Concurrent",
    "Month",
    "MonthCount",
    "Peak",
    "serve_cloud",
]
