"""What `udadmin -list` prints, as a Snapshot and as the users and devices it names.

Pure: must not know how the text came.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lictui.sources.source import SourceError
from lictui.words import FailureKind, Step

if TYPE_CHECKING:
    from lictui.model import Holder, Snapshot


def udadmin_snapshot(text: str, where: str) -> Snapshot:
    """The assignments that `text` tells of; `where` names the server. Raises SourceError."""
    del text, where
    raise SourceError(FailureKind.CONFIG, "udadmin cannot be read yet", "", Step.PARSE)


def udadmin_holders(text: str) -> tuple[Holder, ...]:
    """Whom a license is assigned to. Raises SourceError."""
    del text
    raise SourceError(FailureKind.CONFIG, "udadmin cannot be read yet", "", Step.PARSE)
