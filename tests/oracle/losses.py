"""Section 4.10 of docs/model.md in plain Python: who loses what in the step. Changes nothing."""

from dataclasses import dataclass

from simulate.model import CHANNELS, GUARANTEE
from tests.oracle.factors import clip
from tests.oracle.world import SECURED, ratio

CREDIT, CONTRACT, EQUITY, COLLATERAL, STRANDED = range(len(CHANNELS))


@dataclass
class Before:
    """What the losses read as it was before resolution."""

    alive: list
    volume: list


def volume_left(model, t, now, scale, world, share, leg):
    """Of a contract of a living provider: what its terms bring in the step, how much of them is free, and how much would be if nobody had failed."""
    legs = model.legs
    if not legs.contract[leg] or not world.alive[legs.payee[leg]]:
        return 0.0, 0.0, 0.0
    host_share = share[legs.host[leg]] if legs.host[leg] >= 0 else 1.0
    terms = legs.sched[leg][t] * (1 - legs.follow[leg] + legs.follow[leg] * host_share)
    whole, taken = scale[legs.group[leg]], now["capacity"][legs.volume_row[leg]]
    return terms, whole - taken * world.volume[leg], whole - taken


def worth_of_free(model, now, leg, free, relief=True):
    """What free volume brings where relief is on: let again, or cost saved; volume beyond the terms costs what it would save."""
    legs = model.legs
    back = clip(legs.relet[leg] * now["rental"] + legs.saved[leg] * (1 - legs.relet[leg]), 0.0, 1.0)
    return free * (back * relief if free > 0 else legs.saved[leg])


def losses(model, t, now, scale, before, life, cap, due, position, clearing, outcome, written_off, returned):
    """Postings (entity, channel, deal, amount, amount discounted at tau, obligor) of the step; the obligor is who caused the loss: nobody (-1) of own
    assets. And claims (deal, credit claims at a failure of this step, lost on such claims, recoveries are below 0). `before` holds alive and volume before
    the step's resolution and the switches."""
    legs, fleet, h = model.legs, model.fleet, model.holdings
    postings, claims, discount, pays = [], [], now["discount"], clearing["pay"]

    def post(entity, channel, deal, amount, obligor):
        if amount != 0.0:
            postings.append((entity, channel, deal, amount, amount * discount, obligor))

    for leg, payer in enumerate(legs.payer):
        deal, creditor = legs.deal[leg], legs.payee[leg]
        terms, free, quiet = volume_left(model, t, now, scale, before, cap["delivered_share"], leg)
        relief = worth_of_free(model, now, leg, free) - worth_of_free(model, now, leg, quiet)
        post(creditor, CONTRACT, deal, terms * (free - quiet - relief), payer)
        if legs.driver[leg] == GUARANTEE:
            # what a guarantor pays moves loss from the creditor to it, its part of recoveries moves it back
            of = legs.covers[leg]
            moved = pays[leg] - returned.get(leg, 0.0)
            post(payer, CREDIT, deal, moved, legs.payer[of])
            if not (legs.seniority[of] == SECURED and outcome.get(legs.payer[of], ("", 0))[0] == "restructured"):
                post(creditor, CREDIT, legs.deal[of], -moved, legs.payer[of])
        elif payer in outcome or not before.alive[payer]:
            what, cut = outcome.get(payer, ("estate", 0.0))
            covered = position["cover"][leg]
            part, credit, lost = ratio(position["credit_part"][leg], position["claim_now"][leg]), position["credit_part"][leg] + covered, 0.0
            if what == "liquidated":
                lost = credit - part * pays[leg]
                post(creditor, CONTRACT, deal, -(1 - part) * pays[leg], payer)
            elif what == "estate":
                paid = pays[leg] - covered
                credit, lost = 0.0, -(part * paid + covered)
                post(creditor, CONTRACT, deal, -(1 - part) * paid, payer)
            elif legs.seniority[leg] != SECURED:
                after = due["balance_next"][leg] + due["receivable_next"][leg]
                lost = due["due"][leg] - pays[leg] + cut * after
            post(creditor, CREDIT, deal, lost, payer)
            claims.append((deal, credit, lost))
    for x, holder in enumerate(h.holder):
        post(holder, EQUITY, h.deal[x], written_off[x], h.issuer[x])
    for o, i in enumerate(fleet.entity):
        deal = fleet.stranded_deal[o]
        if before.alive[i]:
            post(i, STRANDED, deal, idle_loss(model, cap, o), -1)
            post(i, STRANDED, deal, max(0.0, 1 - life / fleet.book_life[o]) * cap["worn"][o], -1)
        if i in outcome and outcome[i][0] == "liquidated":
            post(i, COLLATERAL, deal, max(0.0, cap["carrying"][o] - idle_loss(model, cap, o) - outcome[i][1]), -1)
    return postings, claims


def idle_loss(model, cap, o):
    fleet = model.fleet
    return cap["gw_idle"][o] * fleet.cost_per_gw[o] * fleet.chip_of_capex[o] * model.grid.dt / fleet.book_life[o]


class Books:
    """What every entity suffered and caused in a world so far, nominal; stakes lost at cost and at their value at the failure (4.10)."""

    def __init__(self, model, world):
        self.model, n = model, model.grid.entities
        self.marks, self.insured = world.marks, not world.nonpayment
        self.claims, self.stakes, self.marked, self.caused, self.written_off, self.marked_off = ([0.0] * n for _ in range(6))

    def passes_on(self, entity, channel):
        """Whether the loss is the entity's own: an inside entity is spared what the world does not let through."""
        return self.model.entities.outside[entity] or (self.marks if channel == EQUITY else not self.insured)

    def enter(self, postings, lost_stakes):
        """Take in the postings of a step; lost_stakes: (holder, issuer, value) of every stake that a failure wiped out."""
        for entity, channel, _, amount, _, obligor in postings:
            if channel in (CREDIT, CONTRACT):
                self.caused[obligor] += amount
                self.claims[entity] += amount * self.passes_on(entity, channel)
            elif channel == EQUITY:
                self.written_off[obligor] += amount
                self.stakes[entity] += amount * self.passes_on(entity, channel)
        for holder, issuer, value in lost_stakes:
            self.marked_off[issuer] += value
            self.marked[holder] += value * self.passes_on(holder, EQUITY)

    def through(self, i):
        """What inside entity i lost on others and neither its creditors nor those who lost stakes in it bear."""
        return 0.0 if self.model.entities.outside[i] else max(0.0, self.claims[i] + self.stakes[i] - self.caused[i] - self.written_off[i])

    def in_all(self):
        """The system loss so far, at cost and at mark."""
        n, outside = self.model.grid.entities, self.model.entities.outside
        cost = sum(self.claims[i] + self.stakes[i] if outside[i] else self.through(i) for i in range(n))
        mark = sum(self.claims[i] + self.marked[i] if outside[i] else max(0.0, self.claims[i] + self.marked[i] - self.caused[i]) for i in range(n))
        return cost, mark
