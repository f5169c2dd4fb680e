"""What `lmstat -a` prints, as a Snapshot and as the holders of its licenses.

Pure: must not know how the text came.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lictui.sources.source import SourceError
from lictui.words import FailureKind, Step

if TYPE_CHECKING:
    from lictui.model import Holder, Snapshot


def lmstat_snapshot(text: str, where: str) -> Snapshot:
    """The license server that `text` tells of; `where` names it in errors. Raises SourceError."""
    del text, where
    raise SourceError(FailureKind.CONFIG, "lmstat cannot be read yet", "", Step.PARSE)


def lmstat_holders(text: str, now: float) -> tuple[Holder, ...]:
    """Who has checked out what; `now` (UTC epoch seconds) gives a start its year.

    Raises SourceError.
    """
    del text, now
    raise SourceError(FailureKind.CONFIG, "lmstat cannot be read yet", "", Step.PARSE)
