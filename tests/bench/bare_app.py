"""A bare Textual app, to measure against: one word, one list of options."""

import sys

from textual.app import App, ComposeResult
from textual.widgets import OptionList, Static


class Bare(App[None]):
    """As little as an app can be."""

    def compose(self) -> ComposeResult:
        """A word to wait for, or a list to move in."""
        if "list" in sys.argv:
            yield OptionList(*(f"option {number}" for number in range(1000)))
        yield Static("bare-and-ready")


if __name__ == "__main__":
    Bare().run()
