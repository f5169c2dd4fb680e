"""pyproject.toml, the constraints and the imports agree with one another."""

import ast
import importlib.util
import re
import sys
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

TOP = Path(__file__).parents[1]
# Imports that the installed packages provide only with an extra or on another system.
_OPTIONAL_IMPORTS = {"xlsxwriter", "matplotlib", "keyring", "truststore"}


def load_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("constraints", TOP / ".ci" / "constraints.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


SCRIPT = load_script()
REQUIREMENTS = [Requirement(line) for lines in SCRIPT.project().values() for line in lines]


def third_party_imports() -> set[str]:
    names = set()
    for file in (TOP / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names.add(str(node.module).partition(".")[0])
    return names - sys.stdlib_module_names - {"lictui"}


def test_every_imported_package_is_declared() -> None:
    declared = {SCRIPT.normalized(requirement.name) for requirement in REQUIREMENTS}
    providers = metadata.packages_distributions()
    packages = {
        module: {SCRIPT.normalized(name) for name in providers[module]}
        for module in third_party_imports()
        if module in providers or module not in _OPTIONAL_IMPORTS
    }
    assert "rich" in packages
    assert {module for module, names in packages.items() if not names & declared} == set()


@pytest.mark.parametrize("file", [SCRIPT.LATEST, SCRIPT.LOWEST], ids=lambda file: file.stem)
def test_constraints_name_versions_only_and_meet_the_bounds(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    pins = SCRIPT.pins(text)
    for line in pins.values():
        assert re.fullmatch(r"[a-z0-9-]+==[\w.]+(; (python_version|sys_platform) .*)?", line)
    for requirement in REQUIREMENTS:
        pin = Requirement(pins[SCRIPT.normalized(requirement.name)])
        (specifier,) = pin.specifier
        assert requirement.specifier.contains(Version(specifier.version)), requirement


def test_lowest_constraints_are_those_of_pyproject() -> None:
    written = SCRIPT.LOWEST.read_text(encoding="utf-8")
    assert written == SCRIPT.lowest(), "run .venv/bin/python .ci/constraints.py"
