"""All answers of one site put together.

Owns which answer wins where two tell the same, and what counts as nothing at all. Pure.
"""

from __future__ import annotations

from typing import Final

from lictui.model import FailureKind, Mode, Snapshot, Step
from lictui.sources.answers import get, rows
from lictui.sources.clean import text
from lictui.sources.cvad.inventory import from_overview, from_site
from lictui.sources.cvad.notices import activation, notices
from lictui.sources.source import SourceError

_NOTHING: Final = (
    "Is a license server configured for the site, and licenses on it? If so, an overview_paths that"
    " fits this release may be missing."
)


def build(
    site: object, overview: object, controllers: object, *, name: str, cloud: bool
) -> Snapshot:
    """The snapshot of the site `name`; any of the answers may be None.

    Raises SourceError: `parse` for an answer of another shape, `no_data` if there are no pools.
    """
    for answer, what in ((site, "site details"), (overview, "license overview")):
        if answer is not None and not isinstance(answer, dict):
            raise SourceError(
                FailureKind.PARSE,
                f"the {what} of {name} are not what the API describes",
                "Is this the address of a Delivery Controller or of Citrix Cloud?",
                Step.PARSE,
            )
    pools = from_overview(overview) or from_site(site)
    if not pools:
        raise nothing(name, Step.PARSE)
    mode = Mode.CLOUD if cloud else _mode(overview)
    return Snapshot(
        pools=pools,
        reported_name=name,
        version=text(get(site, "ProductVersion"), 40),
        mode=mode,
        activation=None if mode is Mode.FILE else activation(controllers),
        notices=notices(site, overview),
    )


def nothing(name: str, step: Step) -> SourceError:
    """The failure for a site that answers, and tells of no licenses."""
    return SourceError(FailureKind.NO_DATA, f"the site {name} tells of no licenses", _NOTHING, step)


def _mode(overview: object) -> Mode | None:
    """LAS or license files, as far as the overview tells; the site's own setting comes first."""
    information = get(overview, "LicenseInformation")
    uses_las = get(information, "UseLicenseActivationService")
    if isinstance(uses_las, bool):
        return Mode.LAS if uses_las else Mode.FILE
    if get(information, "LicenseServerStatus") == "LasCompatible":
        return Mode.LAS
    if rows(get(overview, "LicenseLasInventories")):
        return Mode.LAS
    return None if overview is None else Mode.FILE
