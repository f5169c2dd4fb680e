"""FlexNet's command-line tools, simulated: the text that `lmstat -a` and `udadmin -list` print.

Read it from `server` (what there is) over `seats` and `stocked` (who holds it) to `lmstat` and
`udadmin` (how it is written) and `layout` (in which of the ways that were seen).
"""

from lictui.simulator.flexnet.layout import Layout
from lictui.simulator.flexnet.lmstat import lmstat, unreachable
from lictui.simulator.flexnet.stocked import stocked
from lictui.simulator.flexnet.udadmin import udadmin

__all__ = ["Layout", "lmstat", "stocked", "udadmin", "unreachable"]
