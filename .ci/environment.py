"""Make `.venv` with lictui in it, or bring it up to date: `python3 .ci/environment.py [dev]`.

A bare Debian has Python without ensurepip, so `python3 -m venv` alone cannot bring pip along
there. Then pip comes from the package index, as the wheel that it is.
"""

import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
import venv
from pathlib import Path
from urllib.parse import urljoin

TOP = Path(__file__).resolve().parent.parent
VENV = TOP / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
INDEX = os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple").rstrip("/") + "/pip/"


def fetch(url: str, accept: str = "*/*") -> bytes:
    """The body behind an https address."""
    if not url.startswith("https://"):
        sys.exit(f"lictui: not fetched over an open line: {url}")
    request = urllib.request.Request(url, headers={"Accept": accept})  # noqa: S310 - https alone
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - https alone
        body: bytes = answer.read()
    return body


def pip_wheel(folder: Path) -> Path:
    """The newest released pip of the index, its hash checked, as a file in `folder`."""
    page = json.loads(fetch(INDEX, "application/vnd.pypi.simple.v1+json"))
    wheel = [
        file
        for file in page["files"]
        if file["filename"].endswith("-py3-none-any.whl")
        and file["filename"].split("-")[1].replace(".", "").isdigit()
        and not file.get("yanked")
    ][-1]
    body = fetch(urljoin(INDEX, wheel["url"]))
    if hashlib.sha256(body).hexdigest() != wheel["hashes"]["sha256"]:
        sys.exit("lictui: the pip wheel is not what the index says it is")
    path = folder / wheel["filename"]
    path.write_bytes(body)
    return path


def install(what: str, pip: list[str]) -> None:
    """Install `what`, editable, with `pip` as the arguments that start it."""
    quiet = ["--quiet", "--disable-pip-version-check"]
    subprocess.run([PYTHON, *pip, "install", *quiet, "--editable", what], check=True)


def main() -> None:
    """Make the environment if it is missing, then install into it."""
    if not PYTHON.exists():
        sys.stderr.write("lictui: making .venv and installing into it, about half a minute\n")
        with_pip = importlib.util.find_spec("ensurepip") is not None
        venv.create(VENV, with_pip=with_pip, symlinks=os.name != "nt")
    what = f"{TOP}[dev]" if "dev" in sys.argv[1:] else str(TOP)
    if any(VENV.glob("**/site-packages/pip/__main__.py")):
        install(what, ["-m", "pip"])
    else:
        with tempfile.TemporaryDirectory() as folder:
            install(what, [f"{pip_wheel(Path(folder))}/pip"])


if sys.version_info < (3, 11):  # noqa: UP036 - this file is what an older Python meets first
    sys.exit(f"lictui needs Python 3.11 or newer; this is {sys.version.split()[0]}")
main()
