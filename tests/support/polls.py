"""One poll of a source: its snapshot, or its failure."""

from tests.support.fake_api import SECRET

from lictui.model import Failure, Snapshot
from lictui.sources.source import OnStep, Source, SourceError, ignore_steps


async def poll_once(source: Source, on_step: OnStep = ignore_steps) -> Snapshot | Failure:
    try:
        return await source.fetch(on_step)
    except SourceError as error:
        return error.failure


async def snapshot_of(source: Source, on_step: OnStep = ignore_steps) -> Snapshot:
    result = await poll_once(source, on_step)
    assert isinstance(result, Snapshot), result
    return result


async def failure_of(source: Source) -> Failure:
    """Return the failure of a poll, which must say what to do and reveal nothing."""
    result = await poll_once(source)
    assert isinstance(result, Failure), result
    assert SECRET not in f"{result}"
    assert "token-" not in f"{result}"
    assert result.message
    assert result.hint
    return result
