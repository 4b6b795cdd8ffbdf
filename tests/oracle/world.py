"""Section 3 of docs/model.md in plain Python: the state of a world of one path, and what the parts of the step share."""

from dataclasses import dataclass, field
from typing import NamedTuple

CRITICAL, SECURED, SENIOR, SUBORDINATED, COMMITTED = range(5)  # classes of a leg, first paid first
TOLERANCE = 1e-10  # of dues, on the side of solvency; of receipts, of claims: less is rounding
SMALLEST = 1e-12


class Nudge(NamedTuple):
    """Moves the edge of each yes-or-no question of a step, as a share of what is asked about; above 0: towards yes."""

    solvency: float = 0.0  # solvent?
    gate: float = 0.0  # open?
    choice: float = 0.0  # restructure?
    door: float = 0.0  # quarter open?
    runway: float = 0.0  # does it burn cash?
    call: float = 0.0  # was a guarantor that is restructured called?
    issue: float = 0.0  # did a worthless firm sell shares?


EXACT = Nudge()


def ratio(above, below, otherwise=1.0):
    return above / below if below > 0 else otherwise


@dataclass
class World:
    """Section 3 for one path. Entities [n], owners [O], legs [L], holdings [H]; USD bn."""

    nonpayment: bool
    supply: bool
    relief: bool
    marks: bool
    confidence: bool
    least: bool  # the least clearing vector in every step
    saves_first: bool  # who fails first is saved from then on
    # entities
    cash: list
    alive: list
    line: list
    equity: list  # E
    price: list  # what a whole company was marked at: E; where marks is off and it has failed, its last mark x V
    failed: list  # ever
    last_mark: list  # E before its first failure, over V of that step
    saved: list  # outside gives it what it is short of
    core_before: list  # core value before
    receipts: list  # z
    ebitda: list  # ze
    executed: list  # growth capex over plan before, what the power gap held back taken off
    burn: list  # before
    restructured: list
    proceeds: list  # of the sale of an estate, reach it next step
    fresh: list  # 1: liquidated in the step before
    # owners
    built: list
    delivered: list
    fleet: list  # [O][0..t] cumulative cost of chips at the beginning of step t
    unreplaced: list
    installed: list  # cost of the chips of all growth
    # legs
    balance: list
    receivable: list
    balance_undisturbed: list  # schedule run on (insured worlds)
    receivable_undisturbed: list
    volume: list
    claim: list  # u, net of what collateral covers
    claim_credit: list  # uc, likewise
    paid_on_claim: list  # off
    covered: list  # collateral cash due next step
    subrogated: list  # paid so far on this guarantee, net of what came back, and not forgiven by a restructuring
    cover_left: list
    # holdings
    stake: list
    stake_cost: list
    # world
    granted: float = 0.0  # by outside to who is saved
    shock: float = 0.0  # systemic defaults that the market remembers
    chips_sold: float = 0.0  # by force, and not absorbed yet
    lost_revenue: float = 0.0
    # cash flows of the step
    got: list = field(default_factory=list)
    paid: list = field(default_factory=list)
    outside_in: list = field(default_factory=list)
    outside_out: list = field(default_factory=list)
    leg_paid: list = field(default_factory=list)
    bought: list = field(default_factory=list)  # [H] cash paid for stakes, net of sales
    new_money: list = field(default_factory=list)  # [H] paid for new shares
    discounted: list = field(default_factory=list)  # [n] value of new shares sold below it, less what was paid
    operating_in: list = field(default_factory=list)
    operating_out: list = field(default_factory=list)

    def clear_flows(self):
        n = len(self.cash)
        for name in ("got", "paid", "outside_in", "outside_out", "operating_in", "operating_out"):
            setattr(self, name, [0.0] * n)
        self.leg_paid = [0.0] * len(self.balance)
        self.bought = [0.0] * len(self.stake)
        self.new_money = [0.0] * len(self.stake)
        self.discounted = [0.0] * n

    def transfer(self, payer, payee, amount):
        self.cash[payer] -= amount
        self.paid[payer] += amount
        self.cash[payee] += amount
        self.got[payee] += amount

    def enter(self, i, amount):
        self.cash[i] += amount
        self.outside_in[i] += amount

    def leave(self, i, amount):
        self.cash[i] -= amount
        self.outside_out[i] += amount


def world_of(model, row) -> World:
    """World number `row` of the model at the opening."""
    rules = model.rules
    return open_world(model, rules.world_switches[row], rules.world_least[row], rules.world_saves[row], rules.world_saves_first[row])


def open_world(model, switches, least=0.0, saves=None, saves_first=0.0) -> World:
    e, legs, fleet, h = model.entities, model.legs, model.fleet, model.holdings
    n, owners, count = model.grid.entities, len(fleet.entity), len(legs.payer)
    world = World(
        *(bool(switch) for switch in (*switches, least, saves_first)),
        cash=list(e.cash0),
        alive=[1.0] * n,
        line=list(e.line0),
        equity=list(e.equity0),
        price=list(e.equity0),
        failed=[False] * n,
        last_mark=[0.0] * n,
        saved=[bool(saves[i]) if saves is not None else False for i in range(n)],
        core_before=list(e.core0),
        receipts=list(e.receipts0),
        ebitda=list(e.ebitda0),
        executed=[1.0] * n,
        burn=[0.0] * n,
        restructured=[0] * n,
        proceeds=[0.0] * n,
        fresh=[0] * n,
        built=[0.0] * owners,
        delivered=[0.0] * owners,
        fleet=[[cost] for cost in fleet.fleet0],
        unreplaced=[0.0] * owners,
        installed=list(fleet.fleet0),
        balance=list(legs.bal0),
        receivable=list(legs.receivable0),
        balance_undisturbed=list(legs.bal0),
        receivable_undisturbed=list(legs.receivable0),
        volume=[1.0] * count,
        claim=[0.0] * count,
        claim_credit=[0.0] * count,
        paid_on_claim=[0.0] * count,
        covered=[0.0] * count,
        subrogated=[0.0] * count,
        cover_left=list(legs.cover_cap),
        stake=list(h.stake0),
        stake_cost=list(h.cost0),
    )
    world.clear_flows()
    return world


def has_ended(legs, t, leg):
    """A shock has ended the deal."""
    return 0 <= legs.ends_step[leg] <= t


def end_deals(model, t, world):
    """Deals that a shock has ended have no volume and cover nothing. Changes the world."""
    for leg in range(len(model.legs.payer)):
        if has_ended(model.legs, t, leg):
            world.volume[leg] = world.cover_left[leg] = 0.0
