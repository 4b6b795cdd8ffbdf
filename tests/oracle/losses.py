"""Section 4.10 of docs/model.md in plain Python: who loses what in the step. Changes nothing."""

from dataclasses import dataclass

from simulate.model import CHANNELS, GUARANTEE
from tests.oracle.dues import earned_by_schedule
from tests.oracle.factors import clip
from tests.oracle.world import SECURED, ratio

CREDIT, CONTRACT, EQUITY, COLLATERAL, STRANDED = range(len(CHANNELS))


@dataclass
class Before:
    """What the losses read as it was before resolution."""

    alive: list
    volume: list


def let_again(model, t, now, scale, world, share, leg):
    """What a living provider would earn on volume that is gone, and the share phi that comes back where relief is on."""
    legs = model.legs
    if not legs.contract[leg] or not world.alive[legs.payee[leg]]:
        return 0.0, 0.0
    released = earned_by_schedule(legs, t, leg, scale, 1 - world.volume[leg], share, None)
    return released, clip(legs.relet[leg] * now["rental"] + legs.saved[leg] * (1 - legs.relet[leg]), 0.0, 1.0)


def losses(model, t, now, scale, before, life, cap, due, position, clearing, outcome, written_off, returned):
    """Postings (entity, channel, deal, amount, amount discounted at tau) of the step. `before` holds alive and volume before the
    step's resolution and the switches."""
    legs, fleet, h = model.legs, model.fleet, model.holdings
    postings, discount, pays = [], now["discount"], clearing["pay"]

    def post(entity, channel, deal, amount):
        if amount != 0.0:
            postings.append((entity, channel, deal, amount, amount * discount))

    for leg, payer in enumerate(legs.payer):
        deal, creditor = legs.deal[leg], legs.payee[leg]
        released, phi = let_again(model, t, now, scale, before, cap["delivered_share"], leg)
        post(creditor, CONTRACT, deal, released * (1 - phi))
        if legs.driver[leg] == GUARANTEE:
            # what a guarantor pays moves loss from the creditor to it, its part of recoveries moves it back
            of = legs.covers[leg]
            moved = pays[leg] - returned.get(leg, 0.0)
            post(payer, CREDIT, deal, moved)
            if not (legs.seniority[of] == SECURED and outcome.get(legs.payer[of], ("", 0))[0] == "restructured"):
                post(creditor, CREDIT, legs.deal[of], -moved)
        elif payer in outcome or not before.alive[payer]:
            what, cut = outcome.get(payer, ("estate", 0.0))
            covered = position["cover"][leg]
            part = ratio(position["credit_part"][leg], position["claim_now"][leg])
            if what == "liquidated":
                post(creditor, CREDIT, deal, position["credit_part"][leg] + covered - part * pays[leg])
                post(creditor, CONTRACT, deal, -(1 - part) * pays[leg])
            elif what == "estate":
                paid = pays[leg] - covered
                post(creditor, CREDIT, deal, -(part * paid + covered))
                post(creditor, CONTRACT, deal, -(1 - part) * paid)
            elif legs.seniority[leg] != SECURED:
                after = due["balance_next"][leg] + due["receivable_next"][leg]
                post(creditor, CREDIT, deal, due["due"][leg] - pays[leg] + cut * after)
    for x, holder in enumerate(h.holder):
        post(holder, EQUITY, h.deal[x], written_off[x])
    for o, i in enumerate(fleet.entity):
        deal = fleet.stranded_deal[o]
        if before.alive[i]:
            post(i, STRANDED, deal, idle_loss(model, cap, o))
            post(i, STRANDED, deal, max(0.0, 1 - life / fleet.book_life[o]) * cap["worn"][o])
        if i in outcome and outcome[i][0] == "liquidated":
            post(i, COLLATERAL, deal, max(0.0, cap["carrying"][o] - idle_loss(model, cap, o) - outcome[i][1]))
    return postings


def idle_loss(model, cap, o):
    fleet = model.fleet
    return cap["gw_idle"][o] * fleet.cost_per_gw[o] * fleet.chip_of_capex[o] * model.grid.dt / fleet.book_life[o]
