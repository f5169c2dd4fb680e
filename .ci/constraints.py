"""Write constraints-lowest.txt from pyproject.toml and constraints.txt.

With --latest, write constraints.txt first: the newest versions that pip resolves for this Python,
which should be the oldest one that lictui supports. A line with an environment marker is kept as it
is, since another platform or Python may be needed to resolve it. The files name versions only, so
that they work with every package index.
"""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
LATEST = TOP / "constraints.txt"
LOWEST = TOP / "constraints-lowest.txt"
LATEST_HEADER = (
    "# The versions that lictui is developed with. Written by .ci/constraints.py --latest.\n"
)
LOWEST_HEADER = "# The lowest versions that pyproject.toml allows. Written by .ci/constraints.py.\n"


def normalized(name: str) -> str:
    """Return the name of a package as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(text: str) -> dict[str, str]:
    """Return the line of each package in a constraints file."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return {normalized(re.split("[=;]", line)[0].strip()): line for line in lines}


def project() -> dict[str, list[str]]:
    """Return the requirements of pyproject.toml: the core as "", the extras, the groups."""
    data = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))
    core = data["project"]["dependencies"]
    return {"": core, **data["project"]["optional-dependencies"], **data["dependency-groups"]}


def lowest() -> str:
    """Return constraints with the lower bound of what lictui uses, all else as developed with."""
    versions = pins(LATEST.read_text(encoding="utf-8"))
    for name, requirements in project().items():
        for requirement in requirements if name not in {"dev", "bench"} else ():
            match = re.match(r"([\w.-]+)(?:\[\w+\])?>=([\w.]+)", requirement)
            if match is None:
                sys.exit(f"pyproject.toml: no lower bound: {requirement}")
            versions[normalized(match[1])] = f"{normalized(match[1])}=={match[2]}"
    return LOWEST_HEADER + "".join(f"{versions[name]}\n" for name in sorted(versions))


def latest() -> str:
    """Return constraints with the newest versions; kerberos has to be compiled, so is left out."""
    wanted = [line for name, lines in project().items() if name != "kerberos" for line in lines]
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed"]
    command += ["--quiet", "--report", "-", *wanted]
    report = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    versions = {}
    for package in report["install"]:
        metadata = package["metadata"]
        name = normalized(metadata["name"])
        versions[name] = f"{name}=={metadata['version']}"
    if LATEST.exists():
        old = pins(LATEST.read_text(encoding="utf-8"))
        versions |= {name: line for name, line in old.items() if ";" in line}
    return LATEST_HEADER + "".join(f"{versions[name]}\n" for name in sorted(versions))


if __name__ == "__main__":
    if "--latest" in sys.argv[1:]:
        LATEST.write_text(latest(), encoding="utf-8")
    LOWEST.write_text(lowest(), encoding="utf-8")
