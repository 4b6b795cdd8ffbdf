"""Legs and holdings of an entity: slices of the index lists (state.Lists)."""

from simulate.kernels.jit import small


@small
def legs_of(i, lists):
    """Return the legs that entity i pays."""
    return lists.leg_of_payer[lists.leg_start[i] : lists.leg_start[i + 1]]


@small
def stakes_in(i, lists):
    """Return the holdings of shares in entity i."""
    return lists.holding_of_issuer[lists.issue_start[i] : lists.issue_start[i + 1]]


@small
def stakes_of(i, lists):
    """Return the holdings that entity i holds."""
    return lists.holding_of_holder[lists.hold_start[i] : lists.hold_start[i + 1]]
