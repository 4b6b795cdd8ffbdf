"""Keys that were set and move nothing, because rows of a table say the same thing for themselves. Warnings, as sentences."""

from collections.abc import Callable, Iterable, Sequence

from simulate.errors import listed
from simulate.network.checks import groups_of
from simulate.network.read import Network
from simulate.schema import Change

PROBABILITY = ("factors", "execution", "probability")  # by status


def overruled_keys(changes: Iterable[Change], network: Network, place: Callable[[Sequence[str | int]], str]) -> Iterable[str]:
    """Yield a sentence for every probability of execution that was changed against the base and that deals overrule; `place` words the place of a key."""
    for change in changes:
        *section, status = change.key.split(".")
        if tuple(section) != PROBABILITY or change.after is None:
            continue
        groups = [deals for deals in groups_of(network).values() if deals[0].status == status]
        overruled = [deal.id for deals in groups if deals[0].probability is not None for deal in deals]
        free = [deal.id for deals in groups if deals[0].probability is None for deal in deals]
        where = f"{place((*PROBABILITY, status))} = {change.after}"
        table = network.names.get("deals", "deals table")
        if overruled:
            some = f"moves {listed(free)} alone" if free else "moves nothing"
            yield f"{where} {some}: {listed(overruled)} of {table} have a probability of their own; change that column, or leave it blank."
        elif not free:
            yield f"{where} moves nothing: no group of deals in {table} has the status '{status}'."
