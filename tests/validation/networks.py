"""The kernels and the oracle on networks drawn by Hypothesis (tests/makers/drawn.py), path by path, in every world.

Compared are what every stage says, the flows and the state of every step of every world, and the losses and summaries of the path. The difference of two
amounts is measured by all dues and claims of a step and the largest flow, cash or balance of anybody in that world so far, that of two values of a company by as much
times its multiple; ratios by themselves. A path is on an edge when one of its
yes-or-no questions (solvent? gate open? restructured? quarter open?) is decided by less than 1e-8 of what is asked about.
"""

import itertools
import math
from collections import Counter
from typing import NamedTuple

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from simulate.checks.identities import check_tile
from simulate.engine.blocks import Block, Workspace
from simulate.model import CHANNELS, COMMITMENT, CREDIT, EQUITY, GUARANTEE, SWITCHES
from simulate.schema import FACTORS
from simulate.step.state import STEP, WORLD
from simulate.step.watch import TRACES, audit_of, new_trace
from tests.makers.drawn import models
from tests.oracle.step import EXACT, run_path

from .claims import Finding, numeric_finding

TOLERANCE = 1e-10  # relative
CLOSE = 1e-8  # of what a question asks about
MOST_EDGES = 1e-3  # of paths
TRACED = {
    "cash": "cash", "received": "got", "paid": "paid", "outside_in": "outside_in", "outside_out": "outside_out", "equity": "equity",
    "alive": "alive", "dues": "dues", "revenue": "revenue", "free_cash_flow": "free_cash_flow",
}  # fmt: skip
FLOWS = ("cash", "got", "paid", "outside_in", "outside_out", "dues", "revenue", "leg_paid", "balance")
# The variables that stand right after clearing, and the stage of the oracle that says them.
CLEARED = {
    "entity": {"delivered_share": "capacity", "fleet_value": "capacity", "revenue": "earnings", "relet_receipts": "earnings", "cost": "earnings",
               "desired_capex": "dues", "committed_capex": "dues", "dues": "clearing", "received": "clearing", "wave": "clearing"},
    "leg": {"due": "dues", "pay": "clearing", "claim_now": "position", "cover": "position"},
}  # fmt: skip
# And those that stand at the end of the step: of the scratch, and of the state of the world.
SPENT = ("growth_capex", "capex_paid")
STATE = {
    "entity": ("line", "receipts", "ebitda", "burn", "restructured", "proceeds"),
    "leg": ("balance", "receivable", "volume", "claim", "claim_credit", "paid_on_claim", "covered"),
    "guarantee": ("subrogated", "cover_left"),
    "insured": ("balance_undisturbed", "receivable_undisturbed"),
    "owner": ("built", "delivered", "unreplaced", "installed"),
    "holding": ("stake", "stake_cost"),
}
NO_MONEY = ("restructured", "volume", "stake", "built", "delivered")
WORN = ("worn", "worn_book")


KEPT_LEG = (*STATE["leg"], *STATE["guarantee"], *STATE["insured"])
KEPT = {
    "leg": tuple(CLEARED["leg"]),
    "entity": tuple(CLEARED["entity"]),
    "end_leg": KEPT_LEG,
    "end_entity": (*SPENT, "outcome", "executed", *STATE["entity"]),
    "end_owner": (*WORN, *STATE["owner"]),
}


class Difference(NamedTuple):
    """A place where kernel and oracle differ."""

    error: float  # relative
    where: str
    got: object
    want: object


class Comparison:
    """All that is compared of one path; `worst` first."""

    def __init__(self):
        self.found: list[Difference] = []

    def add(self, where, got, want, scale):
        """Keeps the largest difference of an array, as a share of `scale`."""
        got, want = np.asarray(got, float), np.asarray(want, float)
        assert got.shape == want.shape, where
        if got.size:
            off = np.where(got == want, 0.0, np.abs(got - want))  # equal infinities differ by nothing
            error = math.inf if np.isnan(off).any() else float(off.max())
            if error > 0.0:
                self.found.append(Difference(error / scale if scale > 0 else math.inf, where, got, want))

    @property
    def worst(self) -> Difference:
        return max(self.found, key=lambda one: one.error, default=Difference(0.0, "nothing", 0.0, 0.0))


def scale_of(world) -> np.ndarray:
    """[T] all dues and claims, and the largest flow, cash or balance of anybody, up to each step: clearing stops at a share of all dues and claims."""
    owed = [sum(stages["position"]["full"]) for stages in world["stages"]]
    largest = [owed[t] + max((abs(amount) for name in FLOWS for amount in step[name]), default=0.0) for t, step in enumerate(world["trace"])]
    return np.maximum.accumulate(largest)


def run_tile(model, workspace, first, paths):
    """Outputs, trace and audit of a tile; the audit keeps what is compared."""
    audit = audit_of(model, model.grid.steps, paths, **KEPT)
    trace = new_trace(model, paths)
    outputs = workspace.simulate(Block(first, paths), trace, audit)
    return outputs, trace, audit


def compare_path(model, workspace, tile, lane, oracle) -> Comparison:
    """One lane of a tile against one path of the oracle."""
    result = Comparison()
    outputs, trace, audit = tile
    for k, world in enumerate(oracle["worlds"]):
        compare_steps(result, model, trace[k, ..., lane], k, world)
        compare_stages(result, model, audit, lane, k, world)
        compare_chips(result, model, workspace.worlds[k], lane, k, world)
        scale, losses = float(scale_of(world)[-1]), np.array(world["loss"])
        # a world without detail books only the losses that are in its system loss; so does an insured one
        channels = range(len(CHANNELS)) if model.rules.world_detail[k] and world["world"].nonpayment else (CREDIT, EQUITY)
        for channel in channels:
            result.add(f"world {k}, loss {channel}", workspace.worlds[k].loss[:, channel, lane], losses[:, channel], scale)
    compare_outputs(result, model, {name: values[..., lane] for name, values in outputs.items()}, oracle)
    return result


def largest_multiple(model) -> float:
    """Value of a dollar of receipts of a step."""
    return max(1.0, *model.entities.mult0 / model.grid.dt, *model.entities.mult_mature / model.grid.dt)


def compare_steps(result, model, trace, k, world):
    """Per step: all entities, [T, kinds, n] against the trace of a world."""
    grid, entities = model.grid, model.entities
    inside, valued = entities.outside == 0, entities.equity0 > 0
    scales, multiple = scale_of(world), largest_multiple(model)
    others = np.arange(grid.entities) != grid.insurer
    for t, step in enumerate(world["trace"]):
        got = dict(zip(TRACES, trace[t], strict=True))
        scale = float(scales[t])
        for name, other in TRACED.items():
            # the kernel keeps the insurer's account net; outside nodes have neither revenue nor a price
            among = {"revenue": inside, "free_cash_flow": inside, "equity": valued}.get(name, others)
            want = np.array(step[other])[among]
            result.add(f"world {k}, step {t}, {name}", got[name][among], want, {"alive": 1.0, "equity": max(scale * multiple, *want, 0.0)}.get(name, scale))
        net = step["got"][grid.insurer] - step["paid"][grid.insurer]
        result.add(f"world {k}, step {t}, insurer", got["received"][grid.insurer] - got["paid"][grid.insurer], net, scale)
        result.add(f"world {k}, step {t}, delivered share", got["delivered_share"][model.fleet.entity], step["delivered_share"], 1.0)


def compare_chips(result, model, w, lane, k, world):
    """The fleet at the beginning of every step: its history is kept to the end."""
    history = np.array(world["world"].fleet).reshape(len(model.fleet.entity), model.grid.steps + 1)
    scale = max(float(scale_of(world)[-1]), float(history.max(initial=0.0)))
    result.add(f"world {k}, chips", w.fleet[:, :, lane], history, scale)


def compare_stages(result, model, audit, lane, k, world):
    """What every stage of every step said, and the state it left."""
    scales, alive = scale_of(world), np.ones(model.grid.entities, bool)  # alive when the step begins
    for t, stages in enumerate(world["stages"]):
        at, scale = f"world {k}, step {t}", float(scales[t])
        history = [cost for owner in world["world"].fleet for cost in owner[: t + 2]]
        chips = max([scale, *stages["capacity"]["carrying"], *history])
        compare_cleared(result, model, at, audit.entity[k, t, ..., lane], audit.leg[k, t, ..., lane], alive, stages, scale, chips)
        compare_spent(result, model, at, audit.end_entity[k, t, ..., lane], audit.end_owner[k, t, ..., lane], stages, scale, chips)
        state = {
            "entity": audit.end_entity[k, t, len(SPENT) + 2 :, :, lane],
            "leg": audit.end_leg[k, t, : len(STATE["leg"]), :, lane],
            "guarantee": audit.end_leg[k, t, len(STATE["leg"]) : len(KEPT_LEG) - len(STATE["insured"]), :, lane],
            "insured": audit.end_leg[k, t, len(KEPT_LEG) - len(STATE["insured"]) :, :, lane],
            "owner": audit.end_owner[k, t, len(WORN) :, :, lane],
            "holding": audit.holding[k, t, ..., lane],
        }
        compare_state(result, model, at, state, stages["world"], max(scale, *history, 0.0))
        result.add(f"{at}, funding, open", audit.step_lane[k, t, tuple(STEP["lane"]).index("open"), lane], stages["funding"]["open"], 1.0)
        if stages["world"].confidence:
            result.add(f"{at}, shock", audit.now_lane[k, t, tuple(WORLD["lane"]).index("shock"), lane], stages["world"].shock, 1.0)
        alive = np.array(stages["world"].alive) > 0


def compare_cleared(result, model, at, entity, leg, alive, stages, scale, chips):
    """Capacity, earnings, dues and payments: rows CLEARED of an audit, [K, n] and [K, L]."""
    inside, live = model.entities.outside == 0, alive[model.legs.payer] & (model.legs.driver != COMMITMENT)
    for (row, stage), got in zip(CLEARED["entity"].items(), entity, strict=True):
        size = 1.0 if row in ("delivered_share", "wave") else chips if row == "fleet_value" else scale
        result.add(f"{at}, {stage}, {row}", got[inside], np.array(stages[stage][row], float)[inside], size)
    paying = np.array(stages["clearing"]["failing"])[model.legs.payer] & (model.legs.seniority <= 3)
    plain = paying & (model.legs.driver != GUARANTEE)
    among = {"due": live, "pay": paying, "claim_now": plain, "cover": plain}
    for (row, stage), got in zip(CLEARED["leg"].items(), leg, strict=True):
        want = np.array(stages[stage][row], float)
        result.add(f"{at}, {stage}, {row}", got[among[row]], want[among[row]], scale)


def compare_spent(result, model, at, entity, owner, stages, scale, chips):
    """Spending and resolution: the first rows of an audit's end_entity [K, n] and end_owner [K, O]."""
    inside = model.entities.outside == 0
    growth, capex, cut, executed = entity[: len(SPENT) + 2]
    for row, got in zip(SPENT, (growth, capex), strict=True):
        result.add(f"{at}, spending, {row}", got[inside], np.array(stages["spending"][row], float)[inside], scale)
    desired, share = np.array(stages["dues"]["desired_capex"])[inside], np.array(stages["world"].executed)[inside]
    result.add(f"{at}, spending, executed", executed[inside] * desired, share * desired, scale)
    cuts, claims = np.zeros(model.grid.entities), np.zeros(model.grid.entities)
    for leg, payer in enumerate(model.legs.payer):
        claims[payer] += stages["position"]["credit_part"][leg] + stages["position"]["cover"][leg]
    for i, (what, amount) in stages["outcome"].items():
        cuts[i] = amount if what == "restructured" else -1.0
    # A haircut is a ratio to claims, and what is above it rounds as all amounts do.
    result.add(f"{at}, resolution, cut", (cut * claims)[inside], (cuts * claims)[inside], scale)
    result.add(f"{at}, resolution, outcome", np.sign(cut)[inside], np.sign(cuts)[inside], 1.0)
    for row, got in zip(WORN, owner, strict=False):
        result.add(f"{at}, capacity, {row}", got, np.array(stages["capacity"][row], float), chips)


def compare_state(result, model, at, state, world, size):
    """What a world is left with after a step: rows STATE, [K, n], [K, L], [K, O], [K, H]."""
    owed = model.legs.driver != COMMITMENT
    among = {
        "entity": model.entities.outside == 0,
        "leg": owed,
        "guarantee": (model.legs.driver == GUARANTEE) & (np.array(world.alive)[model.legs.payer] > 0),  # nothing is called on an estate
        "insured": owed,
    }
    for group, names in STATE.items():
        if group == "insured" and world.nonpayment:
            continue
        chosen = among.get(group, slice(None))
        for row, got in zip(names, state[group], strict=True):
            want = np.array(getattr(world, row), float)[chosen]
            # proceeds are of assets at market, which can be worth a multiple of all that flows
            own = {"proceeds": max(size, *want, 0.0)}.get(row, size)
            result.add(f"{at}, {group} {row}", got[chosen], want, max(1.0, *want, 0.0) if row in NO_MONEY else own)


def compare_outputs(result, model, outputs, oracle):
    """What a block keeps of the path, world by world."""
    details = iter(range(len(model.rules.world_detail)))
    for k, world in enumerate(oracle["worlds"]):
        scale = float(scale_of(world)[-1])
        for name in ("default_step", "default_round", "steps_shut"):
            result.add(f"world {k}, {name}", outputs[name][k], world[name], 1.0)
        result.add(f"world {k}, unconverged", outputs["unconverged"][k] > 0, world["unconverged"] > 0, 1.0)
        for name in ("system_loss", "interest_paid"):
            result.add(f"world {k}, {name}", outputs[name][k], world[name], scale)
        result.add(f"world {k}, stranded_gw_years", outputs["stranded_gw_years"][k], world["stranded_gw_years"], max(1.0, world["stranded_gw_years"]))
        prices = max((price for step in world["trace"] for price in step["equity"]), default=0.0)
        size = max(scale * largest_multiple(model), prices, *world["world"].price, *model.entities.equity0)
        result.add(f"world {k}, mark_change", outputs["mark_change"][k], world["mark_change"], size)
        if model.rules.world_detail[k]:
            d = next(details)
            if world["world"].nonpayment:
                result.add(f"world {k}, deal_loss", outputs["deal_loss"][d], world["deal_loss"], scale)
                result.add(f"world {k}, loss", outputs["loss"][d], world["loss"], scale)
    result.add("log_weight", outputs["log_weight"], 0.0, 1.0)
    for row, name in enumerate(FACTORS):
        want = oracle["factor"][name]
        result.add(name, outputs["factor_summary"][row], want, max(1.0, abs(want)))
    result.add("delivery", outputs["delivery"], oracle["delivery"], 1.0)
    revenue = np.array(oracle["revenue_final"])
    result.add("revenue_final", outputs["revenue_final"], revenue, max(1e-300, float(np.abs(revenue).max(initial=0.0))))


def saves(world) -> bool:
    """True for a world in which somebody cannot fail."""
    return world.saves_first or any(world.saved)


class Tally:
    """What a run over many networks found; `seen` counts what happened, so that nothing passes because nothing happened."""

    def __init__(self):
        self.networks = self.paths = self.edges = self.unconverged = 0
        self.worst = Difference(0.0, "nothing", 0.0, 0.0)
        self.wrong: list[str] = []
        self.seen = Counter()

    def add(self, other):
        for name in ("networks", "paths", "edges", "unconverged", "wrong"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.seen.update(other.seen)
        self.worst = max(self.worst, other.worst, key=lambda one: one.error)

    def count(self, model, oracle):
        self.paths += 1
        self.edges += min(world["margin"] for world in oracle["worlds"]) < CLOSE
        self.unconverged += sum(world["unconverged"] for world in oracle["worlds"]) > 0
        self.seen[f"{int((model.entities.outside == 0).sum())} entities"] += 1
        self.seen["life of a thousandth of a year"] += oracle["factor"]["gpu_life"] <= 0.001
        self.seen["rate above 100 %"] += oracle["factor"]["short_rate_mean"] > 1.0
        self.seen["square-root rate"] += model.factors.short_rate.square_root.size > 0
        self.seen["guarantor is guaranteed"] += len(set(model.legs.payer[model.legs.driver == GUARANTEE]) & obligors(model)) > 0
        *others, least = oracle["worlds"]
        network = next(world for world in others if all(getattr(world["world"], switch) for switch in SWITCHES) and not saves(world["world"]))
        self.seen["fails with least clearing only"] += least["default_step"] != network["default_step"]
        for world in oracle["worlds"]:
            self.seen["saved, with a grant"] += world["granted"] > 0 and not world["world"].saves_first
            self.seen["the first is saved, others fail"] += world["world"].saves_first and any(step >= 0 for step in world["default_step"])
            self.seen.update(f"edge of {kind}" for kind, margin in world["margins"]._asdict().items() if margin < CLOSE)
            self.seen.update(f"switches {switch}{int(getattr(world['world'], switch))}" for switch in SWITCHES)
            failed = set()
            for step, stages in zip(world["trace"], world["stages"], strict=True):
                failed.update(stages["outcome"])
                self.seen.update(what for what, _ in stages["outcome"].values())
                self.seen.update(f"driver {model.legs.driver[leg]} paid" for leg, paid in enumerate(step["leg_paid"]) if paid > 0)
                called = [leg for leg, amount in stages["clearing"]["called"].items() if amount > 0]
                self.seen["called"] += len(called)
                for leg in called:
                    guarantor, obligor = model.legs.payer[leg], model.legs.payer[model.legs.covers[leg]]
                    self.seen["guarantor owes the obligor"] += owes(model, guarantor, obligor)
                    self.seen["guarantor failed"] += guarantor in failed
                self.seen["later wave"] += max(stages["clearing"]["wave"]) > 0
                self.seen["many rounds"] += stages["clearing"]["rounds"] > 100
                self.seen["no cash"] += sum(not cash for cash in step["opening_cash"][:-1])


def obligors(model) -> set[int]:
    """Who is guaranteed."""
    return set(model.legs.payer[model.legs.covers[model.legs.driver == GUARANTEE]])


def owes(model, payer, payee) -> bool:
    """Any leg from payer to payee."""
    return bool(((model.legs.payer == payer) & (model.legs.payee == payee)).any())


def branches(model, path, oracle):
    """The oracle's path with the close questions of each kind all decided one way, or all the other."""
    close = [kind for kind in EXACT._fields if min(getattr(world["margins"], kind) for world in oracle["worlds"]) < CLOSE]
    for sides in itertools.product((CLOSE, -CLOSE), repeat=len(close)):
        yield run_path(model, path, keep_stages=True, nudge=EXACT._replace(**dict(zip(close, sides, strict=True))))


def overpaid(model, world) -> list[str]:
    """Guaranteed creditors of estates that have more than their claim, from the estate and its guarantors together. Who was restructured before may be
    guaranteed for both events."""
    found = []
    for t, stages in enumerate(world["stages"]):
        w = stages["world"]
        for leg in {of for of in model.legs.covers if of >= 0 and not (w.alive[model.legs.payer[of]] or w.restructured[model.legs.payer[of]])}:
            has = w.paid_on_claim[leg] + sum(w.subrogated[guarantee] for guarantee, of in enumerate(model.legs.covers) if of == leg)
            if has > w.claim[leg] + TOLERANCE * max(has, w.claim[leg]):
                found.append(f"step {t}: the creditor of leg {leg} has {has} of {w.claim[leg]}")
    return found


def check_network(model, paths, first=0, either=True) -> Tally:
    """Run both on some paths, and the check. Identities hold and paths agree, on an edge with either branch; what does not stands in tally.wrong."""
    tally = Tally()
    workspace = Workspace(model, paths)
    tile = run_tile(model, workspace, first, paths)
    tally.networks += 1
    violated = [found for found in check_tile(workspace.observe(Block(first, paths))) if found.violated]
    tally.wrong += [f"identity {found.identity} is broken by {found.residual:.2g}: {found}" for found in violated]
    for lane in range(paths):
        oracle = run_path(model, first + lane, keep_stages=True)
        tally.count(model, oracle)
        tally.wrong += [f"path {first + lane}: {what}" for world in oracle["worlds"] for what in overpaid(model, world)]
        worst = compare_path(model, workspace, tile, lane, oracle).worst
        if either and worst.error > TOLERANCE:
            others = (compare_path(model, workspace, tile, lane, branch).worst for branch in branches(model, first + lane, oracle))
            worst = min([worst, *others], key=lambda one: one.error)
        if worst.error > TOLERANCE:
            tally.wrong.append(f"path {first + lane}, {worst.where}: kernel {worst.got}, oracle {worst.want}, {worst.error:.2g} of the scale")
        tally.worst = max(tally.worst, worst, key=lambda one: one.error)
    return tally


class Drawn:
    """A model with a representation that can be read: its legs, and what is not 0 of its entities."""

    def __init__(self, model):
        self.model = model

    def __repr__(self):
        legs, entities = self.model.legs, self.model.entities
        lines = [f"{self.model.grid}", f"{self.model.rules}"]
        lines += [f"{name} = {np.round(values, 6).tolist()}" for name, values in zip(entities._fields, entities, strict=True) if values.any()]
        for k in range(len(legs.payer)):
            terms = {name: np.round(values[k], 6).tolist() for name, values in zip(legs._fields, legs, strict=True) if values[k].any()}
            lines.append(f"leg {k}: {terms}")
        return "\n".join(lines)


@st.composite
def drawn_models(draw, **kind):
    return Drawn(draw(models(**kind)))


def run_networks(count, paths, shrink=True, **kind) -> Tally:
    """The same networks on every run; refused at the first that disagrees, shrunk for five minutes at most to what a named test can be made of."""
    tally, phases = Tally(), [Phase.generate, Phase.shrink] if shrink else [Phase.generate]

    @settings(max_examples=count, derandomize=True, deadline=None, database=None, phases=phases, suppress_health_check=list(HealthCheck))
    @given(drawn_models(**kind))
    def over(drawn):
        found = check_network(drawn.model, paths)
        assert not found.wrong, found.wrong[0]
        tally.add(found)

    over()
    return tally


def findings() -> list[Finding]:
    """Largest disagreement over networks, and the share of paths on an edge."""
    tally = run_networks(60, 4)
    where = "step/test_drawn.py::test_networks"
    return [
        numeric_finding(
            f"Kernels and oracle agree on every flow, state and loss of {tally.paths} paths of {tally.networks} drawn networks: largest relative difference",
            where, "docs/model.md 2 to 4", tally.worst.error, 0.0, TOLERANCE,
        ),
        numeric_finding("Share of these paths that a margin below 1e-8 decides", where, "docs/model.md 4.5", tally.edges / tally.paths, 0.0, MOST_EDGES),
    ]  # fmt: skip
