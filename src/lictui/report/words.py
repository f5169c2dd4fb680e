"""What the figures of a report mean, in sentences: the same in every format.

Owns the explanations. Must not know figures.
"""

from __future__ import annotations

from typing import Final

BOUND: Final = "an upper bound, never reached at one moment"
NEEDED: Final = (
    "Needed: of concurrent licenses the most in use at one moment over all servers together; of"
    " user/device licenses what was assigned at the end of the month. Share: of what was installed"
    " then. The mark in the bar is all that was installed."
)
CONTRACT: Final = (
    "Missing: the most that was needed, less what was bought. Idle: bought, and not needed at any"
    " moment of the months on record."
)
RECORD: Final = (
    "A poll that failed is a gap, never a zero. A sum over servers counts only at moments at which"
    " all of them have a figure; who reported nothing in the month is left out and named."
)
WORDS: Final = (
    (
        "Installed is what was bought and installed, without the overdraft that Citrix allows on"
        " top. At least (\N{GREATER-THAN OR EQUAL TO}) means that some may have been missed"
        " between two polls."
    ),
    (
        "Enough for 95 % of the time: with so many licenses nobody would have been turned away in"
        " 95 of 100 minutes of the month."
    ),
    (
        "\N{LESS-THAN OR EQUAL TO} is an upper bound: of that month only daily figures of each"
        " server are kept, and the servers need not have been at their highest at the same"
        " moment. ? is not known."
    ),
)
