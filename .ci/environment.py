"""Create or update `.venv` with lictui in it: `python3 .ci/environment.py [NAME ...]`.

NAME is an optional extra of pyproject.toml (report, web, notify, keyring, kerberos), or `dev` for
the tools of development. With --lowest, `.venv-lowest` gets the oldest versions that pyproject.toml
allows.

Only Python and git are required. A bare Debian has Python without ensurepip, so `python3 -m venv`
cannot install pip there: then the newest pip is fetched from the package index and run as a wheel.
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

if sys.version_info < (3, 11):  # noqa: UP036 - an older Python may run this file
    sys.exit(f"lictui requires Python 3.11 or newer; this is {sys.version.split()[0]}")

import tomllib

TOP = Path(__file__).resolve().parent.parent
INDEX = os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple").rstrip("/") + "/pip/"


def fetch(url: str, accept: str = "*/*") -> bytes:
    """Return the body of an https URL."""
    if not url.startswith("https://"):
        sys.exit(f"lictui: refusing an unencrypted download: {url}")
    request = urllib.request.Request(url, headers={"Accept": accept})  # noqa: S310 - https only
    with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310 - https only
        body: bytes = response.read()
    return body


def pip_wheel(folder: Path) -> Path:
    """Download the newest released pip into `folder`, with its hash checked."""
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
        sys.exit("lictui: the downloaded pip does not match the hash of the index")
    path = folder / wheel["filename"]
    path.write_bytes(body)
    return path


def requirements(names: list[str]) -> list[str]:
    """Return what pip has to install for these extras and dependency groups."""
    project = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))
    extras, groups = project["project"]["optional-dependencies"], project["dependency-groups"]
    for name in names:
        if name not in extras and name not in groups:
            sys.exit(f"lictui: unknown name {name!r}; use {', '.join([*extras, *groups])}")
    chosen = ",".join(name for name in names if name in extras)
    lictui = f"{TOP}[{chosen}]" if chosen else str(TOP)
    tools = [tool for name in names if name in groups for tool in groups[name]]
    return ["--editable", lictui, *tools]


def main() -> None:
    """Create the environment if it is missing, then install into it."""
    names = [argument for argument in sys.argv[1:] if argument != "--lowest"]
    variant = "-lowest" if "--lowest" in sys.argv[1:] else ""
    wanted = requirements(names)
    folder = TOP / f".venv{variant}"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        sys.stderr.write(f"lictui: creating {folder.name}, about half a minute\n")
        with_pip = importlib.util.find_spec("ensurepip") is not None
        venv.create(folder, with_pip=with_pip, symlinks=os.name != "nt")
    options = ["--quiet", "--disable-pip-version-check"]
    options += ["--constraint", str(TOP / f"constraints{variant}.txt")]
    with tempfile.TemporaryDirectory() as download:
        has_pip = any(folder.glob("**/site-packages/pip/__main__.py"))
        pip = ["-m", "pip"] if has_pip else [f"{pip_wheel(Path(download))}/pip"]
        subprocess.run([python, *pip, "install", *options, *wanted], check=True)


main()
