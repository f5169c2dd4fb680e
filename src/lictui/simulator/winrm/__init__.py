"""The Windows license server, simulated: WMI classes over WS-Management.

Read it from `service` (a request's way) over `login` and `sealing` (who, and unread by others) to
`enumeration` (what is handed out) and `classes` (what there is).
"""

from __future__ import annotations

from lictui.simulator.winrm.service import serve_winrm

__all__ = ["serve_winrm"]
