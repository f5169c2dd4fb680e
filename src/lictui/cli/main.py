"""The front door: every command, its common options, and how an error leaves."""

from __future__ import annotations

import click


@click.group()
def main() -> None:
    """Monitor Citrix license servers, in a terminal."""
