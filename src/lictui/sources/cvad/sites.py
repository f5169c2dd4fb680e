"""Which site is meant: the one that servers.toml names, or the only one there is.

Owns the question `me` and the choice among its answer. Must not know what is read of a site.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from lictui.model import FailureKind, Step
from lictui.sources.answers import decoded, get, rows
from lictui.sources.clean import text
from lictui.sources.cvad.answers import first_present, refusal
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from lictui.sources.cvad.session import Session

# The first is documented; the second is that of older releases and of a customer's own cloud host.
BASES: Final = ("/cvad/manage", "/citrix/orchestration/api")
_LISTED: Final = 10  # names in a message


@dataclass(frozen=True, slots=True)
class Site:
    """One site, and the base path that it was found under."""

    id: str
    name: str
    base: str


async def find_site(session: Session, wanted: str, customer: str) -> Site:
    """The site `wanted` (name or id; "" for the only one), asked of the API.

    Raises SourceError: `config` when the choice is not clear, `forbidden` when there is none.
    """
    path, reply = await first_present(tuple(f"{base}/me" for base in BASES), session.get)
    if reply.status == HTTPStatus.OK:
        me = decoded(reply, session.where, Step.INVENTORY)
        return _chosen(_sites(me, customer, path.removesuffix("/me")), wanted, session.where)
    if reply.status == HTTPStatus.NOT_FOUND and wanted:
        return Site(wanted, wanted, BASES[0])
    raise refusal(reply, session.where, path, Step.INVENTORY)


def _sites(me: object, customer: str, base: str) -> list[Site]:
    """The sites of the customer; of all customers, should its id be spelled otherwise there."""
    customers = rows(get(me, "Customers"))
    own = [each for each in customers if get(each, "Id") == customer]
    return [
        Site(identity, text(get(site, "Name")) or identity, base)
        for each in own or customers
        for site in rows(get(each, "Sites"))
        if (identity := text(get(site, "Id")))
    ]


def _chosen(sites: list[Site], wanted: str, where: str) -> Site:
    names = ", ".join(site.name for site in sites[:_LISTED])
    if not sites:
        raise SourceError(
            FailureKind.FORBIDDEN,
            f"{where} shows this account no site",
            "Give it the Read Only Administrator role for the site.",
            Step.INVENTORY,
        )
    if wanted:
        lowered = wanted.casefold()
        matching = [site for site in sites if lowered in (site.id.casefold(), site.name.casefold())]
        if matching:
            return matching[0]
        raise SourceError(
            FailureKind.CONFIG,
            f"{where} has no site {text(wanted)}, but {names}",
            "Set site to one of these names.",
            Step.INVENTORY,
        )
    if len(sites) > 1:
        raise SourceError(
            FailureKind.CONFIG,
            f"{where} has several sites: {names}",
            "Set site to one of these names.",
            Step.INVENTORY,
        )
    return sites[0]
