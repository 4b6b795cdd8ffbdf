"""Section 4 of docs/model.md in plain Python: the step in the order of the page, one path at a time.

An executable text of the page, to be read beside it. Nothing is shared with the kernels but `simulate.model`. A file a section:

    1      random.py        random numbers
    2      factors.py       factors
    3      world.py         state of a world
    4.0    market.py         what a world feels of the market
    4.1    capacity.py      capacity, fleet
    4.2    earnings.py      earnings
    4.3    dues.py          dues
    4.4    funding.py       door, room, prefunding, new money
    4.5    clearing.py      greatest and least clearing vector (one_period.py: one-period problems, by another method)
    4.6    settlement.py    settlement, commitments, issue of shares
    4.7    spending.py      spending
    4.8    resolution.py    resolution
    4.9    valuation.py     smoothed receipts, equity and other values
    4.10   losses.py        losses

Each stage is a function of the model, the step t, the factors `now` of the step, the world before and the results of earlier stages; the
stages up to clearing change nothing, the later ones change the `World` they are given and say so.
"""

import copy
import math

from simulate.model import CHANNELS, Model
from tests.oracle.capacity import capacity
from tests.oracle.clearing import clear_network, positions, save_first
from tests.oracle.dues import dues
from tests.oracle.earnings import earnings
from tests.oracle.factors import factor_path, path_draws, plain
from tests.oracle.funding import Purse, collect, funding
from tests.oracle.losses import CREDIT, EQUITY, STRANDED, Before, Books, losses
from tests.oracle.market import felt
from tests.oracle.resolution import resolve
from tests.oracle.settlement import commitments, issue_shares, settle
from tests.oracle.spending import spending
from tests.oracle.valuation import equity_values, smooth
from tests.oracle.world import EXACT, Nudge, end_deals, world_of


def step(model, t, now, draws, world, nudge=EXACT):
    """All of section 4 in one world. Changes the world; returns what the stages said."""
    scale, life = draws["scale"], draws["life"]
    world.clear_flows()
    now = felt(model, t, now, world)  # 4.0
    opening = {"cash": list(world.cash), "stake": list(world.stake), "price": list(world.price)}

    end_deals(model, t, world)  # 3
    cap = capacity(model, t, now, life, world)  # 4.1
    earn = earnings(model, t, now, scale, world, cap["delivered_share"])  # 4.2
    due = dues(model, t, now, scale, world, cap, earn)  # 4.3
    due["lent"] = [after - drawn for after, drawn in zip(due["balance_next"], due["drawn"], strict=True)]  # what old loans still are after this step
    funds = funding(model, t, now, world, due["desired_capex"])  # 4.4
    collect(model, world, earn, due, funds)
    position = positions(model, t, now, world, due)  # 4.5
    undisturbed = None if world.nonpayment else due["due_undisturbed"]
    first = save_first(model, world, world.cash, funds["can_raise"], position, undisturbed, nudge.solvency)  # 3
    clearing = clear_network(model, world, world.cash, funds["can_raise"], position, undisturbed, nudge=nudge.solvency)
    clearing["liquidity"] = [cash + received for cash, received in zip(world.cash, clearing["received"], strict=True)]
    before = Before(list(world.alive), list(world.volume))

    purse = Purse(model, world, funds)  # 4.6
    returned = settle(model, world, due, position, clearing, purse)
    gates = commitments(model, t, scale, world, cap, clearing, purse, nudge.gate)
    spent = spending(model, t, now, world, cap, due, clearing, purse)  # 4.7
    issued = issue_shares(model, world, nudge.issue)  # 4.6
    outcome, written_off, lost_stakes, equity, choice, calls = resolve(model, t, now, scale, world, cap, due, position, clearing, nudge)  # 4.8
    interest, free, runway = smooth(model, world, earn, due, clearing, spent, before.alive, nudge.runway)  # 4.9
    world.equity, world.price = equity_values(model, t, now, world, cap["fleet_value"])
    postings, claims = losses(model, t, now, scale, before, life, cap, due, position, clearing, outcome, written_off, returned)  # 4.10

    # what the next step reads
    world.delivered = cap["delivered"]
    for i in range(model.grid.entities):
        world.core_before[i] = now["core"][i]
    world.lost_revenue = earn["lost_revenue"]
    fallen = sum(model.entities.systemic[i] for i in outcome)
    world.shock = world.shock * model.rules.shock_decay + fallen
    sold = sum(cap["fleet_value"][i] for i, (what, _) in outcome.items() if what == "liquidated")
    world.chips_sold = (world.chips_sold + sold) * model.rules.chip_decay
    return {
        "opening": opening,
        "capacity": cap,
        "earnings": earn,
        "dues": due,
        "funding": funds,
        "position": position,
        "clearing": clearing,
        "spending": spent,
        "outcome": outcome,
        "failure": {i: (equity[i], max(0.0, clearing["dues"][i] - clearing["liquidity"][i] - max(0.0, funds["can_raise"][i]))) for i in outcome},
        "lost_stakes": lost_stakes,
        "postings": postings,
        "claims": claims,
        "interest": sum(interest),
        "free_cash_flow": free,
        "margin": Nudge(min(first, clearing["margin"]), gates, choice, abs(funds["open"] - 0.5), runway, calls, issued),
    }


def run_path(model: Model, path, keep_stages=False, nudge=EXACT):
    """One path in every world of the model, and the summaries of its factors. Its close decisions can be nudged to the other side.

    Returns {"worlds": [one dict a world, as `run_world` says], "factor": {name: value}, "delivery": [R], "revenue_final": [R]}."""
    model = plain(model)
    factors, draws = factor_path(model, path), path_draws(model, path)
    worlds = [run_world(model, factors, draws, row, keep_stages, nudge) for row in range(len(model.rules.world_switches))]
    last, f = factors[-1], model.factors
    own = range(len(f.revenue.plan) - sum(row >= 0 for row in model.entities.surprise))  # processes that are no surprises come first
    summary = {
        "demand_final": last["demand"],
        "confidence_min": min(now["confidence"] for now in factors),
        "gpu_life": draws["life"],
        "short_rate_mean": sum(now["rate"] for now in factors) / len(factors),
        "spread_mean": sum(now["spread"] for now in factors) / len(factors),
        "power_gap_max": max(now["gap"] for now in factors),
        "valuation_min": min(now["valuation"] for now in factors),
        "rental_final": last["rental"],
        "disappointment": sum(now["regime"] for now in factors),
    }
    return {
        "worlds": worlds,
        "factor": summary,
        "delivery": [draws["delivery"][i] for i in own],
        "revenue_final": [last["ratio"][i] * f.revenue.plan[i][-1] / model.grid.dt for i in own],
    }


def run_world(model, factors, draws, row, keep_stages=False, nudge=EXACT):
    """World number `row` of the model, by its switches and with its solution of the clearing (greatest or least), along one path.

    Returns loss [n][5], deal_loss [D], system_loss (at mark, of lenders, of outside nodes too), what each entity caused and so on [n],
    default_step [n], default_round [n], mark_change [n], steps_shut, interest_paid,
    stranded_gw_years, unconverged (clearings), margins (the least distance of each kind of question from its edge), margin (the least
    of the first four kinds: the others are close where nothing is compared with nothing), rounds (the most of a clearing), world (its
    final state) and trace, one dict a step; with keep_stages also what each stage of each step said, and the state it left."""
    grid = model.grid
    n, world = grid.entities, world_of(model, row)
    result = {
        "loss": [[0.0] * len(CHANNELS) for _ in range(n)],
        "deal_loss": [0.0] * grid.deals,
        "exposure_at_default": [0.0] * grid.deals,
        "default_loss": [0.0] * grid.deals,
        "loss_by_year": [[0.0] * n for _ in range(math.ceil(grid.steps * grid.dt - 1e-9))],
        "system_loss": 0.0,
        "system_loss_at_mark": 0.0,
        "lender_loss": 0.0,
        "outside_loss": 0.0,
        "failure_equity": [0.0] * n,
        "failure_short": [0.0] * n,
        "system_loss_by_year": [0.0] * math.ceil(grid.steps * grid.dt - 1e-9),
        "default_step": [-1] * n,
        "default_round": [-1] * n,
        "mark_change": [0.0] * n,
        "margins": Nudge(*[math.inf] * len(Nudge._fields)),
        "unconverged": 0,
        "rounds": 0,
        "world": world,
        "steps_shut": 0,
        "interest_paid": 0.0,
        "stranded_gw_years": 0.0,
        "trace": [],
        "stages": [],
    }
    books = Books(model, world)
    for t in range(grid.steps):
        stages = step(model, t, factors[t], draws, world, nudge)
        add_up(model, t, factors[t]["discount"], stages, books, result)
        count(model, t, stages, world, result, nudge)
        result["trace"].append(trace_of(model, stages, world))
        if keep_stages:
            result["stages"].append(stages | {"world": copy.deepcopy(world)})
    result["margin"] = min(result["margins"][:4])
    result |= {"caused": books.caused, "written_off": books.written_off, "marked_off": books.marked_off, "borne_through": [books.through(i) for i in range(n)]}
    result |= {"owner_loss": sum(result["borne_through"]), "granted": world.granted}
    return result


def add_up(model, t, discount, stages, books, result):
    """Adds the losses of step t to the system loss: what the books hold more than before."""
    before = books.in_all()
    books.enter(stages["postings"], stages["lost_stakes"])
    cost, mark = (now - then for now, then in zip(books.in_all(), before, strict=True))
    result["system_loss"] += cost * discount
    result["system_loss_at_mark"] += mark * discount
    result["system_loss_by_year"][math.floor((t + 0.5) * model.grid.dt)] += cost
    for entity, channel, _, _, amount, _ in stages["postings"]:
        if model.entities.outside[entity]:
            result["lender_loss"] += amount * (channel == CREDIT)
            result["outside_loss"] += amount * (channel in (CREDIT, EQUITY))


def count(model, t, stages, world, result, nudge):
    """Adds step t to the results of a world."""
    h, clearing = model.holdings, stages["clearing"]
    year = math.floor((t + 0.5) * model.grid.dt)  # of the run
    for entity, channel, deal, nominal, amount, _ in stages["postings"]:
        result["loss"][entity][channel] += amount
        result["deal_loss"][deal] += amount
        if channel != STRANDED:
            result["loss_by_year"][year][entity] += nominal
    for deal, exposure, lost in stages["claims"]:
        result["exposure_at_default"][deal] += exposure
        result["default_loss"][deal] += lost
    for i in stages["outcome"]:
        if result["default_step"][i] < 0:
            result["default_step"][i], result["default_round"][i] = t, clearing["wave"][i]
            result["failure_equity"][i], result["failure_short"][i] = stages["failure"][i]
    for x, holder in enumerate(h.holder):
        marked = world.stake[x] * world.price[h.issuer[x]]
        opening = stages["opening"]["stake"][x] * stages["opening"]["price"][h.issuer[x]]
        result["mark_change"][holder] += marked - opening - world.bought[x]
    result["margins"] = Nudge(*map(min, result["margins"], stages["margin"]))
    result["rounds"] = max(result["rounds"], clearing["rounds"])
    result["unconverged"] += not clearing["converged"]
    result["steps_shut"] += stages["funding"]["open"] < 0.5 - nudge.door
    result["interest_paid"] += stages["interest"]
    result["stranded_gw_years"] += sum(stages["capacity"]["gw_idle"]) * model.grid.dt


def trace_of(model, stages, world):
    """What a step leaves of cash, flows and values."""
    return {
        "opening_cash": stages["opening"]["cash"],
        "cash": list(world.cash),
        "got": world.got,
        "paid": world.paid,
        "outside_in": world.outside_in,
        "outside_out": world.outside_out,
        "free_cash_flow": stages["free_cash_flow"],
        "equity": list(world.equity),
        "alive": list(world.alive),
        "restructured": list(world.restructured),
        "dues": stages["clearing"]["dues"],
        "revenue": stages["earnings"]["revenue"],
        "delivered_share": [stages["capacity"]["delivered_share"][i] for i in model.fleet.entity],
        "leg_paid": world.leg_paid,
        "balance": list(world.balance),
    }
