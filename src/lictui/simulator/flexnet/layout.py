"""The ways in which releases of lmstat lay out the same facts.

Owns the switches alone; each is a variant that was seen in the wild (protocols: grammar and traps).
Must not know what is printed.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Layout:
    """How `lmstat -a` prints; the defaults are those of Citrix's own."""

    program: str = "lmutil"  # what the banner begins with
    owner: str = "Flexera"
    newline: str = "\n"  # "\r\n" on Windows
    gap: str = "  "  # after ':' and ';'; a variant has one blank
    airy: bool = False  # a blank line between everything, as of 2022
    flush: bool = False  # details begin in column 0
    year: bool = False  # whether a start says its year
    detecting: bool = False  # the line about lmgrd processes
    tab: bool = True  # before a reservation, else blanks
    idle_groups: bool = True  # whether a feature that nobody uses shows its versions
    hours: float = 0.0  # of the server's local time, ahead of UTC
