"""A call of the program, with directories of the test."""

from tests.cli.conftest import cli, paths

__all__ = ["cli", "paths"]
