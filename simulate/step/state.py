"""Every variable of the step by name, with its unit and one sentence; and the four structs that every stage gets (docs/model.md, section 3).

`net`  constants of all paths                  `now`  values that all entities share in a step of a world
`w`    memory of a world (WORLD)               `s`    scratch that dies with the step (STEP)

A group of variables is one array, its names are the rows (kernels/fields.py): `w.cash` is a row of `w.entity`. Memory is made in
step/memory.py. Shapes: n entities, L legs, H holdings, O fleet owners, T steps, D deals, W lanes (innermost, contiguous), K names.
"""

from typing import NamedTuple

from simulate.kernels.fields import name_rows
from simulate.model import LEG_DRIVERS, Array, Grid, Variable

WORLD = {
    "entity": {
        "cash": Variable("USD bn", "cash"),
        "alive": Variable("0 or 1", "1 while the entity lives; 0: it was liquidated and is an estate"),
        "line": Variable("USD bn", "credit line that is left"),
        "equity": Variable("USD bn", "value of its equity at the end of the step"),
        "holdings_value": Variable("USD bn", "core value and marked stakes at the end of the step"),
        "debt": Variable("USD bn", "sum of its balances at the end of the step"),
        "receipts": Variable("USD bn/step", "smoothed operating receipts"),
        "ebitda": Variable("USD bn/step", "smoothed EBITDA"),
        "executed": Variable("ratio", "growth capex over plan, what the power gap holds back taken off"),
        "burn": Variable("USD bn/step", "cash burnt in the step; 0 without a burn"),
        "restructured": Variable("count", "restructurings so far"),
        "proceeds": Variable("USD bn", "proceeds of a liquidation that reach the estate in the next step"),
        "fresh": Variable("0 or 1", "1 in the step after a liquidation, when the estate distributes however little it holds"),
        "default_step": Variable("step", "step of the first default; -1: none"),
        "default_round": Variable("wave", "wave of the first default; -1: none"),
        "suffered": Variable(
            "USD bn", "losses that it bears: on claims and contracts, and the cost of stakes; of inside entities where the world passes them on"
        ),
        "marked_gap": Variable("USD bn", "value of the stakes that it lost, at their issuers' failures, less their cost"),
        "caused": Variable("USD bn", "credit and contract losses of others on its obligations"),
        "written_off": Variable("USD bn", "cost of the stakes in it that its failures wiped out"),
        "marked_off": Variable("USD bn", "value of these stakes at its failures"),
        "failure_equity": Variable("USD bn", "equity at its first failure, before anything is lost by the failure; below 0: claims exceed assets"),
        "failure_short": Variable("USD bn", "dues beyond cash, receipts and funding at its first failure"),
        "last_mark": Variable("USD bn", "value of its equity before its first failure, over the valuation index of that step"),
        "saved": Variable("0 or 1", "1: outside gives it what it is short of, so it does not fail"),
        "paid_for_stakes": Variable("USD bn", "cash paid for stakes so far, less proceeds of stakes sold"),
    },
    "owner": {
        "built": Variable("GW", "capacity built since the opening"),
        "delivered": Variable("GW", "capacity built since the opening that has power"),
        "unreplaced": Variable("USD bn", "cost of worn chips that were needed and not replaced"),
        "installed": Variable("USD bn", "cost of the chips of all growth, opening fleet included, replacements not"),
    },
    "chips": {
        "fleet": Variable("USD bn", "cumulative cost of all chips bought, at the beginning of each step"),
        "fleet_sum": Variable("USD bn years", "integral of `fleet` over time since the opening"),
    },
    "leg": {
        "balance": Variable("USD bn", "balance owed"),
        "balance_undisturbed": Variable("USD bn", "balance of the undisturbed deal; read in insured worlds"),
        "receivable": Variable("USD bn", "earned in the step before and paid in this one"),
        "receivable_undisturbed": Variable("USD bn", "receivable of the undisturbed deal; read in insured worlds"),
        "volume": Variable("share", "volume of the deal that is left"),
        "claim": Variable("USD bn", "claim on an estate, net of its cover by collateral"),
        "claim_credit": Variable("USD bn", "credit part of that claim; the rest is damages"),
        "paid_on_claim": Variable("USD bn", "paid on that claim so far"),
        "covered": Variable("USD bn", "proceeds of collateral that the estate pays out in the next step"),
        "subrogated": Variable("USD bn", "paid so far on a guarantee, less returns of the creditor"),
        "cover_left": Variable("USD bn", "cap of a guarantee that is left"),
    },
    "holding": {
        "stake": Variable("share", "share of the issuer's equity"),
        "stake_cost": Variable("USD bn", "cost of the stake that was not written off"),
    },
    "lane": {
        "shock": Variable("count", "systemic defaults, as far as the market remembers them"),
        "chips_sold": Variable("USD bn", "chips sold by force, as far as the market has not absorbed them"),
        "valuation_felt": Variable("ratio", "valuation index as this world feels it"),
        "log_valuation_felt": Variable("1", "its logarithm"),
        "spread_felt": Variable("ratio", "credit spread of the step before as this world feels it"),
        "rental_felt": Variable("ratio", "rental price as this world feels it"),
        "lost_revenue": Variable("USD bn/step", "revenue that labs lost in the step before; other labs may win a part of it"),
        "interest_paid": Variable("USD bn", "interest paid by all inside entities so far"),
        "stranded_gw_years": Variable("GW years", "built capacity without power, summed over time"),
        "steps_shut": Variable("steps", "steps in which the door of the funding market was shut"),
        "unconverged": Variable("clearings", "clearings that stopped at the most rounds"),
        "system": Variable("USD bn", "system loss so far, at cost, in the money of the run"),
        "granted": Variable("USD bn", "money that outside gave to entities that are saved"),
        "system_marked": Variable("USD bn", "the same with stakes at their value at the failure"),
        "counted": Variable("USD bn", "nominal losses at cost that `system` holds"),
        "counted_marked": Variable("USD bn", "nominal losses at mark that `system_marked` holds"),
    },
}

STEP = {
    "entity": {
        "delivered_share": Variable("share", "delivered capacity of a host over its plan"),
        "fleet_value": Variable("USD bn", "market value of its chips"),
        "opening_value": Variable("USD bn", "part of it on chips that it had at the opening"),
        "revenue": Variable("USD bn/step", "external revenue"),
        "relet_receipts": Variable("USD bn/step", "receipts and saved cost on volume that customers no longer take"),
        "spot": Variable("USD bn/step", "cost of compute bought at the rental price in place of what providers do not deliver"),
        "cost": Variable("USD bn/step", "operating cost"),
        "interest_due": Variable("USD bn/step", "interest that falls due"),
        "interest": Variable("USD bn/step", "interest paid: only an entity that does not fail pays any"),
        "desired_capex": Variable("USD bn/step", "desired capital expenditure"),
        "committed_capex": Variable("USD bn/step", "part of it that falls due in any case"),
        "growth_capex": Variable("USD bn/step", "capital expenditure that adds capacity, as paid"),
        "cash_in": Variable("USD bn", "cash and receipts from outside, before clearing"),
        "can_raise": Variable("USD bn", "credit line and funding room that can still be drawn in clearing"),
        "room": Variable("USD bn", "funding room that is left"),
        "debt_room": Variable("USD bn", "part of it that is debt, raised first"),
        "rescue": Variable("USD bn", "most that a last-resort issue of shares can still bring"),
        "rescue_limit": Variable("USD bn", "most that it could bring in the step"),
        "discounted": Variable("USD bn", "new shares of a last-resort issue at the value before, less what was paid for them"),
        "dues": Variable("USD bn", "sum of its dues in this clearing"),
        "received_full": Variable("USD bn", "receipts in clearing if everybody pays in full"),
        "received": Variable("USD bn", "receipts in clearing"),
        "offsets": Variable("USD bn", "earlier payments of an estate on its claims"),
        "failing": Variable("0 or 1", "1 if it does not pay its dues in full in this clearing, or is dead"),
        "active": Variable("0 or 1", "1 if it pays by the waterfall: it fails now, or is an estate that distributes"),
        "wave": Variable("wave", "wave of this clearing in which it failed; -1: it did not"),
        "paid": Variable("USD bn", "all payments inside of the network in the step"),
        "got": Variable("USD bn", "all receipts inside of the network in the step"),
        "outside_in": Variable("USD bn", "cash received from outside of the network"),
        "outside_out": Variable("USD bn", "cash paid to the outside of the network"),
        "operating_in": Variable("USD bn/step", "receipts on operating legs"),
        "operating_out": Variable("USD bn/step", "dues on operating legs other than capex; the valuation corrects them to payments"),
        "arrived": Variable("USD bn", "discretionary capex of others that reaches a vendor after all have spent"),
        "arrived_tranches": Variable("USD bn", "tranches that reach an investee after all investors have paid"),
        "worth": Variable("USD bn", "assets at market without stakes, less debt"),
        "lent": Variable("USD bn", "balances that others owe to it"),
        "cover_sold": Variable("USD bn", "proceeds of collateral that an estate passes to its creditors in the step"),
        "capex_paid": Variable("USD bn/step", "capital expenditure paid"),
        "appraisal": Variable("ratio", "own move of what its core and its business are valued at"),
        "core_value": Variable("USD bn", "value of its core business"),
        "equity_left": Variable("USD bn", "equity of an entity that fails in this clearing, below 0 too"),
        "concern": Variable("USD bn", "value of the going concern of an entity that fails in this clearing"),
        "outcome": Variable("share", "outcome of its default: 0 no default, -1 liquidation, else the haircut of a restructuring"),
    },
    "owner": {
        "worn": Variable("USD bn", "cost of chips that reached the end of their true life in the step"),
        "worn_book": Variable("USD bn", "cost of chips that reached the end of their book life in the step"),
        "gw_idle": Variable("GW", "built capacity without power"),
    },
    "leg": {
        "earned": Variable("USD bn/step", "earned by the payee in the step, whenever it is paid"),
        "tranche": Variable("USD bn", "tranche of a commitment whose gate is open"),
        "due": Variable("USD bn", "amount that a living payer owes now"),
        "due_undisturbed": Variable("USD bn", "amount that the undisturbed deal brings its payee; insured worlds"),
        "principal": Variable("USD bn", "principal that falls due, covenant included"),
        "drawn": Variable("USD bn", "added to the balance: draws by schedule, market money raised as debt"),
        "collateral": Variable("USD bn", "market value of the collateral of the balance"),
        "full": Variable("USD bn", "the most that the leg pays in this clearing, calls apart"),
        "pay": Variable("USD bn", "payment; written where the payer is cleared, elsewhere a leg pays its due"),
        "uncovered_share": Variable("share", "part of the claim that its collateral does not cover"),
        "claim_now": Variable("USD bn", "claim if the payer fails now, net of its cover by collateral"),
        "credit_now": Variable("USD bn", "credit part of the claim, before its cover by collateral"),
        "cover": Variable("USD bn", "part of the credit that a sale of its collateral pays"),
        "called": Variable("USD bn", "call on a guarantor"),
        "returned": Variable("USD bn", "return of a creditor to its guarantor"),
    },
    "lane": {
        "open": Variable("share", "openness of the funding market"),
        "troubled": Variable("0 or 1", "1 in lanes where an entity cannot pay in full, or an estate distributes"),
        "due_in_all": Variable("USD bn", "everything due and claimed from estates"),
    },
}


INTEGERS = {
    "flags": "for the inside of a function",
    "dead": "number of lanes in which an entity is dead, from clearing on",
    "queue": "entities that one lane clears, in the order in which they failed",
    "disturbed": "number of lanes in which an entity is dead or was restructured; insured worlds",
}


class World(NamedTuple):
    """Memory of one world of a tile; names of the rows in WORLD."""

    entity: Array  # [K, n, W]
    owner: Array  # [K, O, W]
    chips: Array  # [K, O, T+1, W]
    leg: Array  # [K, L, W]
    holding: Array  # [K, H, W]
    lane: Array  # [K, W]
    loss: Array  # [n, channels, W] USD bn, times the discount factor of the step
    deal_loss: Array  # [D, W] likewise
    exposure: Array  # [D, W] USD bn, nominal, credit claims at the failures of the payer
    default_loss: Array  # [D, W] USD bn, nominal, lost on these claims so far
    year_loss: Array  # [Y, n, W] USD bn, nominal, by year of the run, without stranded chips
    year_system: Array  # [Y, W] USD bn, nominal, of credit and equity of outside nodes

    def __getattr__(self, name: str) -> Array:
        """Raise AttributeError: no row has the name. For type checkers, a row is an array (kernels/fields.py puts the names on the rows)."""
        raise AttributeError(name)


class Worlds(NamedTuple):
    """All worlds of a tile: the arrays of World with the world as first axis, so that kernels are compiled once for any number of worlds."""

    entity: Array
    owner: Array
    chips: Array
    leg: Array
    holding: Array
    lane: Array
    loss: Array
    deal_loss: Array
    exposure: Array
    default_loss: Array
    year_loss: Array
    year_system: Array


class Step(NamedTuple):
    """Scratch that dies with the step; names of the rows in STEP."""

    entity: Array  # [K, n, W]
    owner: Array  # [K, O, W]
    leg: Array  # [K, L, W]
    lane: Array  # [K, W]
    claims: Array  # [n, 4, W] claims on each entity by rank, from clearing to the end of it
    new_money: Array  # [H, W] paid for new shares in the step
    free: Array  # [8, W] for the inside of a function: nothing in it outlives a call
    integer: Array  # [K, n] int64; names in INTEGERS

    def __getattr__(self, name: str) -> Array:
        """Raise AttributeError: no row has the name. For type checkers, a row is an array (kernels/fields.py puts the names on the rows)."""
        raise AttributeError(name)


class Lists(NamedTuple):
    """Index lists in ascending order, so that sums are added in the same order for every tile width. All int64."""

    starts: Array  # [3, n+1] where the slices of each entity begin; names in STARTS
    rows: Array  # [K, longest] the lists of LISTS
    count: Array  # type: ignore[assignment]  # [K] their lengths; hides tuple.count, which nobody calls


STARTS = {
    "leg_start": "slices of leg_of_payer",
    "issue_start": "slices of holding_of_issuer",
    "hold_start": "slices of holding_of_holder",
}
LISTS = {
    "leg_of_payer": "legs sorted by payer, stable",
    "holding_of_issuer": "holdings sorted by issuer, stable",
    "holding_of_holder": "holdings sorted by holder, stable",
    "outside_of": "by entity: holding of the outside investors in its shares, -1: not valued",
    "rank": "by leg: class in the waterfall; the uncovered part of a secured leg ranks as senior",
    "draws": "by leg: 1 if a balance is drawn by schedule, or takes market debt",
    **{driver: f"legs of the driver {driver}" for driver in LEG_DRIVERS},
    "contract": "legs of providers whose volume can be lost and let again",
    "supply": "legs that bring the payer capacity",
    "lent": "balances owed to inside entities",
    "other_in": "legs to inside entities whose receipts are not operating",
    "operating_out": "operating legs of inside entities other than capex",
    "ending": "legs of deals that a shock ends",
    "inside": "entities inside of the network",
    "labs": "entities that take part in the transfer of lost demand",
    "race": "entities that race for capex",
    "valued": "entities with an equity value",
    "raising": "entities that may issue shares",
}


class Net(NamedTuple):
    """Constants of all paths; the packed groups of the Model have the names of its fields (step/memory.py)."""

    grid: Grid
    entities: NamedTuple
    fleet: NamedTuple
    legs: NamedTuple
    holdings: NamedTuple
    rules: NamedTuple
    lists: Lists
    lives: Array  # [V] lives that a chip may have, years


class Now(NamedTuple):
    """Values that all entities share in a step of a world."""

    t: int
    insured: bool  # nonpayment is off: payees receive the amounts of undisturbed deals
    supply: bool
    relief: bool
    marks: bool
    confidence: bool
    least: bool  # the least clearing vector instead of the greatest
    saves: bool  # some entities are saved: outside gives them what they are short of
    saves_first: bool  # who fails first is saved from then on
    detail: bool  # losses are kept by channel and deal
    factors: NamedTuple  # StepFactors
    draws: NamedTuple  # PathDraws


def name_state() -> None:
    """Put the names on the rows. A name has one meaning in the whole state; raises ValueError for a second one."""
    for name in {name for group in WORLD.values() for name in group} & {name for group in STEP.values() for name in group}:
        raise ValueError(f"World and Step have two meanings of {name}")
    for cls, groups in ((World, WORLD), (Step, STEP)):
        for field, names in groups.items():
            name_rows(cls, field, tuple(names))
    name_rows(Step, "integer", tuple(INTEGERS))
    name_rows(Lists, "starts", tuple(STARTS))
    name_rows(Lists, "rows", tuple(LISTS), "count")


name_state()
