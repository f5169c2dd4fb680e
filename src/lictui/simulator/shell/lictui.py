"""What another lictui prints for `status --json`: the schema `lictui.status/1`.

Owns the one server it says it reads. Must not know how this lictui writes the same. Times are UTC
epoch seconds.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from lictui.clock import iso

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lictui.simulator.inventory import License


def status_json(inventory: Sequence[License], at: float, name: str) -> str:
    """The whole answer of a lictui that reads `name` over WinRM."""
    server = {
        "name": name,
        "source": "winrm",
        "group": "",
        "url": f"https://{name}.corp.example:5986/wsman",
        "state": "up" if inventory else "no_data",
        "reason": None,
        "polled_at": iso(at),
        "latency_ms": 40,
        "reported_name": name.upper(),
        "version": None,
        "mode": "file",
        "activation": None,
        "license_servers": [],
        "pools": [_pool(each) for each in inventory],
    }
    answer = {
        "schema": "lictui.status/1",
        "at": iso(at),
        "servers": [server],
        "totals": [],
        "alerts": [],
    }
    return json.dumps(answer, indent=1) + "\n"


def _pool(each: License) -> dict[str, object]:
    models = {"UD": "user_device", "CCU": "concurrent", "CCS": "concurrent"}
    return {
        "product": each.product,
        "name": each.full_name.partition("|")[0],
        "model": models.get(each.product.rpartition("_")[2], "other"),
        "license_type": each.license_type,
        "subscription_date": each.subscription_date.isoformat(),
        "expires": each.expires.isoformat() if each.expires else None,
        "permanent": None,
        "installed": each.installed,
        "overdraft": each.overdraft,
        "in_use": each.in_use,
        "free": each.installed - each.in_use,
        "ratio": round(each.in_use / each.installed, 4) if each.installed else None,
        "level": "ok",
        "counted": each.license_type != "SYS",
    }
