"""Every projection there is."""

from __future__ import annotations

from projections import businesses, costs, jobs, ledger, lineage, readiness
from projections.projection import Projection
from schemas.errors import SetupError

PROJECTIONS: tuple[Projection, ...] = (
    jobs.PROJECTION,
    lineage.PROJECTION,
    costs.PROJECTION,
    ledger.PROJECTION,
    businesses.PROJECTION,
    readiness.PROJECTION,
)


def named(name: str) -> Projection:
    """The projection of that name. Raises SetupError, which lists those there are."""
    for one in PROJECTIONS:
        if one.name == name:
            return one
    raise SetupError(f"no projection is called {name!r}: there are {', '.join(one.name for one in PROJECTIONS)}")
