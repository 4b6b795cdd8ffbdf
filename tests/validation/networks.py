"""The kernels and the oracle on networks drawn by Hypothesis (tests/networks.py), path by path, in both worlds.

Compared are what the stages until clearing say and the flows of every step, the losses and summaries of the path, and the whole state and
scratch after the last step. The difference of two amounts
is measured by all dues and claims of a step and the largest flow, cash or balance of anybody in that world so far, that of two values of a company by as much
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
from networks import models
from oracle import EXACT, run_path

from simulate.engine import Block, Workspace
from simulate.kernels import rows
from simulate.kernels.state import FACTOR_SUMMARIES, TRACES, new_audit
from simulate.model import COMMITMENT, GUARANTEE, SWITCHES

from .claims import Finding, numeric_finding

TOLERANCE = 1e-10  # relative
CLOSE = 1e-8  # of what a question asks about
MOST_EDGES = 1e-3  # of paths
SLOW = 1000  # rounds of a clearing after which what an early stop leaves is more than rounding: tolerance x rounds / SLOW
TRACED = {
    "cash": "cash", "received": "received", "paid": "paid", "outside_in": "external_in", "outside_out": "external_out", "equity": "equity",
    "alive": "alive", "dues": "dues", "revenue": "revenue", "free_cash_flow": "free_cash_flow",
}  # fmt: skip
FLOWS = ("cash", "received", "paid", "external_in", "external_out", "dues", "revenue", "leg_paid", "balance")
CREDIT, EQUITY = 0, 2  # channels
# Rows of World.entity, .leg, .owner, .holding and .lane by their names in kernels/rows.py, and what the oracle calls them.
STATE = {
    "entity": {"line": "line", "receipts": "receipts", "ebitda": "ebitda", "burn": "burn", "restructured": "restructured", "pending": "proceeds"},
    "leg": {"balance": "balance", "out": "out", "volume": "volume", "claim": "claim", "claim_credit": "claim_credit", "paid_on_claim": "paid_on_claim",
            "covered": "covered"},
    "guarantee": {"subrogated": "guaranteed", "cover_left": "cover_left"},
    "insured": {"balance_due_on": "balance_undisturbed", "out_due_on": "out_undisturbed"},
    "owner": {"built": "built", "delivered": "delivered", "unreplaced": "unreplaced", "idle": "idle"},
    "holding": {"stake": "stake", "cost": "cost"},
    "lane": {"shock": "shock"},
}  # fmt: skip
NO_MONEY = ("restructured", "volume", "stake", "built", "delivered")

# Rows of Step.entity, .leg and .owner after the last step, the stage of the oracle that says them, and what is not money.
STAGES = {
    "entity": {"share": "capacity", "fleet_value": "capacity", "revenue": "earnings", "relet": "earnings", "cost": "earnings", "desired": "dues",
               "committed": "dues", "dues": "clearing", "received": "clearing", "growth": "spending", "capex_paid": "spending"},
    "leg": {"due": "dues"},
    "owner": {"worn": "capacity", "worn_book": "capacity"},
}  # fmt: skip


# Those of them that stand in the scratch right after clearing, where a tile can keep them in every step of every world.
EARLY = {
    "entity": ("share", "fleet_value", "revenue", "relet", "cost", "desired", "committed", "dues", "received"),
    "leg": ("due", "pay"),
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
    """Outputs, trace and audit of a tile; the audit keeps the rows EARLY."""
    audit = new_audit(model, 0, 0)
    kept = (len(workspace.worlds), model.grid.steps)
    named = {"entity": rows.STEP_ENTITY, "leg": rows.STEP_LEG}
    chosen = {group: np.array([named[group].index(row) for row in names], np.int64) for group, names in EARLY.items()}
    audit = audit._replace(
        entity_rows=chosen["entity"], entity=np.zeros((*kept, len(EARLY["entity"]), model.grid.entities, paths)),
        leg_rows=chosen["leg"], leg=np.zeros((*kept, len(EARLY["leg"]), model.legs.payer.size, paths)),
        stake=np.zeros((*kept, model.holdings.holder.size, paths)),
    )  # fmt: skip
    trace = np.zeros((*kept, len(TRACES), model.grid.entities, paths))
    outputs = workspace.simulate(Block(first, paths), trace, audit)
    return outputs, trace, audit


def compare_path(model, workspace, tile, lane, oracle) -> Comparison:
    """One lane of a tile against one path of the oracle."""
    result = Comparison()
    outputs, trace, audit = tile
    for k, world in enumerate(oracle["worlds"]):
        compare_steps(result, model, trace[k, ..., lane], k, world)
        compare_early_stages(result, model, audit, lane, k, world)
        compare_state(result, model, workspace.worlds[k], lane, k, world["world"], float(scale_of(world)[-1]))
        if world is oracle["worlds"][-1]:  # worlds share their scratch: it holds the last step of the last one
            compare_stages(result, model, workspace.step, workspace.worlds[k].entity[rows.NOW_ENTITY.index("executed"), :, lane], lane, world)
        scale, losses = float(scale_of(world)[-1]), np.array(world["loss"])
        # with the first world insured, and in the second world, only losses that are reported are booked
        channels = range(5) if k == 0 and world["world"].nonpayment else (CREDIT, EQUITY)
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
        net = step["received"][grid.insurer] - step["paid"][grid.insurer]
        result.add(f"world {k}, step {t}, insurer", got["received"][grid.insurer] - got["paid"][grid.insurer], net, scale)
        result.add(f"world {k}, step {t}, delivered share", got["share"][model.fleet.entity], step["share"], 1.0)


def compare_state(result, model, w, lane, k, world, scale):
    """What a world is left with after the last step."""
    inside, chips = model.entities.outside == 0, max((cost for history in world.fleet for cost in history), default=0.0)
    guarantees = (model.legs.driver == GUARANTEE) & (np.array(world.alive)[model.legs.payer] > 0)  # nothing is called on an estate
    owed = model.legs.driver != COMMITMENT
    choose = {
        "entity": (w.entity, rows.NOW_ENTITY, inside), "leg": (w.leg, rows.NOW_LEG, owed), "guarantee": (w.leg, rows.NOW_LEG, guarantees),
        "insured": (w.leg, rows.NOW_LEG, owed), "owner": (w.owner, rows.NOW_OWNER, slice(None)), "holding": (w.holding, rows.NOW_HOLDING, slice(None)),
    }  # fmt: skip
    for group, names in STATE.items():
        if group == "lane" or (group == "insured" and world.nonpayment):
            continue
        array, order, among = choose[group]
        for row, name in names.items():
            if row == "idle" and k > 0:  # no book value is asked for there
                continue
            got, want = array[order.index(row), :, lane][among], np.array(getattr(world, name), float)[among]
            result.add(f"world {k}, at the end, {group} {row}", got, want, max(1.0, *want, 0.0) if row in NO_MONEY else max(scale, chips))
    if world.confidence:
        result.add(f"world {k}, at the end, shock", w.lane[rows.NOW_LANE.index("shock"), lane], world.shock, 1.0)
    history = np.array(world.fleet).reshape(len(model.fleet.entity), model.grid.steps + 1)
    result.add(f"world {k}, at the end, chips", w.chips[rows.NOW_CHIPS.index("fleet"), :, :, lane], history, max(scale, chips))


def compare_early_stages(result, model, audit, lane, k, world):
    """What the stages until clearing said in every step: capacity, earnings, dues, payments."""
    scales, inside, binding = scale_of(world), model.entities.outside == 0, model.legs.seniority <= 3
    alive = np.ones(model.grid.entities, bool)  # when the step begins
    history = np.array(world["world"].fleet).reshape(len(model.fleet.entity), model.grid.steps + 1)
    for t, stages in enumerate(world["stages"]):
        scale = float(scales[t])
        chips = max(scale, *stages["capacity"]["carrying"], *history[:, : t + 1].ravel()) if history.size else scale
        for row, got in zip(EARLY["entity"], audit.entity[k, t, ..., lane], strict=True):
            size = 1.0 if row == "share" else chips if row == "fleet_value" else scale
            want = np.array(stages[STAGES["entity"][row]][row], float)
            result.add(f"world {k}, step {t}, {STAGES['entity'][row]}, {row}", got[inside], want[inside], size)
        due, pay = audit.leg[k, t, ..., lane]
        owed = alive[model.legs.payer] & (model.legs.driver != COMMITMENT)
        result.add(f"world {k}, step {t}, dues, due", due[owed], np.array(stages["dues"]["due"], float)[owed], scale)
        failed = np.array(stages["clearing"]["failed"])
        paying = failed[model.legs.payer] & binding
        result.add(f"world {k}, step {t}, clearing, pay", pay[paying], np.array(stages["clearing"]["pay"], float)[paying], scale)
        alive = np.array(world["trace"][t]["alive"]) > 0


def compare_stages(result, model, s, share_executed, lane, world):
    """What the stages of the last step said: capacity, earnings, dues, funding, clearing, spending, resolution."""
    scale, stages = float(scale_of(world)[-1]), world["stages"][-1]
    chips = max([scale, *stages["capacity"]["carrying"], *(cost for history in world["world"].fleet for cost in history)])
    inside, lives = model.entities.outside == 0, np.array(world["trace"][-1]["alive"]) > 0
    lives |= np.array(stages["clearing"]["failed"])  # lived when the step began
    orders = {"entity": (s.entity, rows.STEP_ENTITY, inside), "leg": (s.leg, rows.STEP_LEG, lives[model.legs.payer] & (model.legs.driver != COMMITMENT)),
              "owner": (s.owner, rows.STEP_OWNER, slice(None))}  # fmt: skip
    for group, names in STAGES.items():
        array, order, among = orders[group]
        for row, stage in names.items():
            got, want = array[order.index(row), :, lane][among], np.array(stages[stage][row], float)[among]
            result.add(f"last step, {stage}, {row}", got, want, 1.0 if row == "share" else chips if group == "owner" or row == "fleet_value" else scale)
    result.add("last step, funding, open", s.lane[rows.STEP_LANE.index("open"), lane], stages["funding"]["open"], 1.0)
    failed = np.array(stages["clearing"]["failed"])
    paying = failed[model.legs.payer] & (model.legs.seniority <= 3)
    result.add("last step, clearing, pay", s.leg[rows.STEP_LEG.index("pay"), :, lane][paying], np.array(stages["clearing"]["pay"], float)[paying], scale)
    for row, name in {"claim": "claim", "cover": "covered"}.items():
        plain = paying & (model.legs.driver != GUARANTEE)
        result.add(f"last step, clearing, {row}", s.leg[rows.STEP_LEG.index(row), :, lane][plain], np.array(stages["position"][name], float)[plain], scale)
    desired, executed = np.array(stages["dues"]["desired"])[inside], np.array(world["world"].executed)[inside]
    result.add("last step, spending, executed", share_executed[inside] * desired, executed * desired, scale)
    cuts = np.zeros(model.grid.entities)
    for i, (what, cut) in stages["outcome"].items():
        cuts[i] = cut if what == "restructured" else -1.0
    result.add("last step, resolution, cut", s.entity[rows.STEP_ENTITY.index("haircut"), :, lane][inside], cuts[inside], 1.0)


def compare_outputs(result, model, outputs, oracle):
    """What a block keeps of the path."""
    first, alone = oracle["worlds"]
    scales = [float(scale_of(world)[-1]) for world in oracle["worlds"]]
    exact = {"default_step": first["default_step"], "default_step_alone": alone["default_step"], "default_round": first["default_round"], "log_weight": 0.0}
    for name, want in exact.items():
        result.add(name, outputs[name], want, 1.0)
    result.add("system_loss", outputs["system_loss"], first["system_loss"], scales[0])
    result.add("system_loss_alone", outputs["system_loss_alone"], alone["system_loss"], scales[1])
    if first["world"].nonpayment:
        result.add("deal_loss", outputs["deal_loss"], first["deal_loss"], scales[0])
    if first["world"].marks:  # without them a mark is no price that the network is run for
        prices = max((price for step in first["trace"] for price in step["equity"]), default=0.0)
        size = max(scales[0] * largest_multiple(model), prices, *model.entities.equity0)
        result.add("mark_change", outputs["mark_change"], first["mark_change"], size)
    for row, (name, _) in enumerate(FACTOR_SUMMARIES):
        want = oracle["factor"][name]
        size = scales[0] if name == "interest_paid" else max(1.0, abs(want))
        result.add(name, outputs["factor"][row], want, size)
    result.add("delivery", outputs["delivery"], oracle["delivery"], 1.0)
    revenue = np.array(oracle["revenue_final"])
    result.add("revenue_final", outputs["revenue_final"], revenue, max(1e-300, float(np.abs(revenue).max(initial=0.0))))


class Tally:
    """What a run over many networks found; `seen` counts what happened, so that nothing passes because nothing happened."""

    def __init__(self):
        self.networks = self.paths = self.edges = self.slow = self.unconverged = 0
        self.worst = Difference(0.0, "nothing", 0.0, 0.0)
        self.wrong: list[str] = []
        self.seen = Counter()

    def add(self, other):
        for name in ("networks", "paths", "edges", "slow", "unconverged", "wrong"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.seen.update(other.seen)
        self.worst = max(self.worst, other.worst, key=lambda one: one.error)

    def count(self, model, oracle):
        self.paths += 1
        self.edges += min(world["margin"] for world in oracle["worlds"]) < CLOSE
        self.slow += max(world["rounds"] for world in oracle["worlds"]) > SLOW
        self.unconverged += oracle["factor"]["unconverged"] > 0
        for world in oracle["worlds"]:
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
                self.seen["many rounds"] += stages["clearing"]["rounds"] > 100
                self.seen["no cash"] += sum(not cash for cash in step["opening_cash"][:-1])


def owes(model, payer, payee) -> bool:
    """Any leg from payer to payee."""
    return bool(((model.legs.payer == payer) & (model.legs.payee == payee)).any())


def branches(model, path, oracle):
    """The oracle's path with the close questions of each kind all decided one way, or all the other."""
    close = [kind for kind in EXACT._fields if min(getattr(world["margins"], kind) for world in oracle["worlds"]) < CLOSE]
    for sides in itertools.product((CLOSE, -CLOSE), repeat=len(close)):
        yield run_path(model, path, keep_stages=True, nudge=EXACT._replace(**dict(zip(close, sides, strict=True))))


def check_network(model, paths, first=0, either=True) -> Tally:
    """Run both on some paths. Every path agrees, on an edge with either of its branches; what differs stands in tally.wrong."""
    tally = Tally()
    workspace = Workspace(model, paths)
    tile = run_tile(model, workspace, first, paths)
    tally.networks += 1
    for lane in range(paths):
        oracle = run_path(model, first + lane, keep_stages=True)
        tally.count(model, oracle)
        rounds = max(world["rounds"] for world in oracle["worlds"])
        tolerance = TOLERANCE * max(1.0, rounds / SLOW)
        worst = compare_path(model, workspace, tile, lane, oracle).worst
        if either and worst.error > tolerance:
            others = (compare_path(model, workspace, tile, lane, branch).worst for branch in branches(model, first + lane, oracle))
            worst = min([worst, *others], key=lambda one: one.error)
        if worst.error > tolerance:
            tally.wrong.append(f"path {first + lane}, {worst.where}: kernel {worst.got}, oracle {worst.want}, {worst.error:.2g} of the scale")
        if rounds <= SLOW and worst.error > tally.worst.error:
            tally.worst = worst
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


def run_networks(count, paths, **kind) -> Tally:
    """The same networks on every run; refused at the first that disagrees, shrunk for five minutes at most to what a named test can be made of."""
    tally = Tally()

    @settings(max_examples=count, derandomize=True, deadline=None, database=None, phases=[Phase.generate, Phase.shrink], suppress_health_check=list(HealthCheck))
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
    where = "test_networks.py::test_networks"
    return [
        numeric_finding(
            f"Kernels and oracle agree on every flow, state and loss of {tally.paths} paths of {tally.networks} drawn networks: largest relative difference",
            where, "docs/model.md 2 to 4", tally.worst.error, 0.0, TOLERANCE,
        ),
        numeric_finding("Share of these paths that a margin below 1e-8 decides", where, "docs/model.md 4.5", tally.edges / tally.paths, 0.0, MOST_EDGES),
    ]  # fmt: skip
