"""How this lictui was installed, and the command that adds one of its optional extras.

lictui is on no package index, so `pip install 'lictui[report]'` would not find it: the command has
to name the clone or wheel that this installation came from, and the installer that manages it.
"""

from __future__ import annotations

import json
import shlex
import sys
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname


def extra_command(extra: str) -> str:
    """Return the shell command that installs the optional extra `extra` of lictui.

    Reads what the installer recorded (PEP 610, `direct_url.json`), and looks into the environment
    for the file that uv or pipx keeps about it.
    """
    origin, editable = _origin()
    environment = Path(sys.prefix)
    if origin is None:
        return _quoted(sys.executable, "-m", "pip", "install", *_requirements(extra))
    script = origin / ".ci" / "environment.py"
    if editable and script.is_file() and environment == origin / ".venv":
        shown = script.relative_to(origin) if Path.cwd() == origin else script
        return _quoted("python3", shown, extra)
    target = f"{origin}[{extra}]"
    flags = ["--editable"] if editable else []
    if (environment / "uv-receipt.toml").is_file():
        return _quoted("uv", "tool", "install", "--force", *flags, target)
    if (environment / "pipx_metadata.json").is_file():
        return _quoted("pipx", "install", "--force", *flags, target)
    return _quoted(sys.executable, "-m", "pip", "install", *flags, target)


def _origin() -> tuple[Path | None, bool]:
    """Return the clone or wheel that lictui was installed from, and whether it is editable."""
    try:
        record = json.loads(metadata.distribution("lictui").read_text("direct_url.json") or "{}")
        url, editable = record["url"], record.get("dir_info", {}).get("editable", False)
    except (metadata.PackageNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return None, False
    parts = urlsplit(url)
    return (Path(url2pathname(parts.path)), editable) if parts.scheme == "file" else (None, False)


def _requirements(extra: str) -> list[str]:
    """Return the packages of `extra`, for an installation whose origin is not recorded."""
    try:
        requirements = metadata.requires("lictui") or []
    except metadata.PackageNotFoundError:
        requirements = []
    marker = f"extra == '{extra}'"
    return [
        name.strip()
        for name, _, condition in (line.partition(";") for line in requirements)
        if condition.strip().replace('"', "'") == marker
    ] or [extra]


def _quoted(*words: object) -> str:
    return shlex.join(map(str, words))
