"""Machines with a command line, simulated: what a program prints there, and a way to run it.

Read it from `client` (the programs that lictui starts) over `service` (what they ask) to `machine`
(which program prints what) and, for each of them, `powershell` with `tables`, `plain` and `lictui`.
"""

from lictui.simulator.shell.install import install
from lictui.simulator.shell.machine import Machine
from lictui.simulator.shell.service import serve_shell

__all__ = ["Machine", "install", "serve_shell"]
