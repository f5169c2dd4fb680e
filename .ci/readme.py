"""Print the one command block of a README section: `python3 .ci/readme.py "Test it"`."""

import re
import sys
from pathlib import Path


def block(heading: str) -> str:
    """Return the only fenced block of a section."""
    text = (Path(__file__).resolve().parent.parent / "README.md").read_text(encoding="utf-8")
    section = re.split(r"^## ", text, flags=re.MULTILINE)
    bodies = [part for part in section if part.splitlines()[0].strip() == heading]
    if len(bodies) != 1:
        sys.exit(f"README.md has {len(bodies)} sections named {heading!r}")
    blocks = re.findall(r"^```\w*\n(.*?)^```", bodies[0], flags=re.MULTILINE | re.DOTALL)
    if len(blocks) != 1:
        sys.exit(f"section {heading!r} of README.md has {len(blocks)} command blocks, not one")
    return str(blocks[0])


sys.stdout.write(block(sys.argv[1]))
