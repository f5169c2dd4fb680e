"""What every command is handed: where the files are, and what the command line said of output."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lictui.paths import Paths


@dataclass(frozen=True, slots=True)
class Context:
    """The common options, settled."""

    paths: Paths
    no_color: bool = False
    log_level: str = "warning"
    # setting -> "option" or "environment"
    overrides: Mapping[str, str] = field(default_factory=dict)
