"""`python -m lictui` is `lictui`."""

from __future__ import annotations

from lictui.cli.main import main

if __name__ == "__main__":
    main()
