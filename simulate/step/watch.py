"""Watch a tile for checks and tests: a trace of flows and state, and chosen rows of the state at two moments."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from simulate.kernels.fields import name_rows
from simulate.kernels.jit import stage
from simulate.kernels.maths import copy_row, copy_rows
from simulate.model import Array, Model
from simulate.step.memory import sizes_of, zeros
from simulate.step.state import STEP, WORLD

TRACES = ("cash", "received", "paid", "outside_in", "outside_out", "equity", "alive", "dues", "revenue", "delivered_share", "free_cash_flow")

# Rows that checks read right after clearing.
KEPT_LEGS = (
    "due", "due_undisturbed", "pay", "claim_now", "uncovered_share", "called", "claim", "paid_on_claim", "covered", "credit_now", "cover", "claim_credit",
    "subrogated", "cover_left",
)  # fmt: skip
KEPT_ENTITIES = ("cash_in", "can_raise", "dues", "received", "failing", "active", "wave")


class Trace(NamedTuple):
    """One step of one world; the names of TRACES stand on its rows."""

    rows: Array  # [K, n, W]


name_rows(Trace, "rows", TRACES)


class Audit(NamedTuple):
    """Rows that checks of a tile read besides its trace; arrays of size 0 keep none. Rows of STEP are numbered first, then those of WORLD."""

    leg_rows: Array  # [K] int64
    leg: Array  # [worlds, T, K, L, W] right after clearing
    entity_rows: Array  # [K] int64
    entity: Array  # [worlds, T, K, n, W] right after clearing
    end_leg_rows: Array
    end_leg: Array  # [worlds, T, K, L, W] at the end of the step
    end_entity_rows: Array
    end_entity: Array  # [worlds, T, K, n, W] at the end of the step
    end_owner_rows: Array
    end_owner: Array  # [worlds, T, K, O, W] at the end of the step
    discount: Array  # [worlds, T, W] discount factor of the losses of the step
    holding: Array  # [worlds, T, K, H, W] stakes at the end of the step
    step_lane: Array  # [worlds, T, K, W]
    now_lane: Array  # [worlds, T, K, W]


def row_numbers(group: str, names: Sequence[str]) -> Array:
    """Return the numbers of named rows of a group of the state: first those of STEP, then those of WORLD."""
    every = (*STEP.get(group, {}), *WORLD[group])
    return np.array([every.index(name) for name in names], np.int64)


def new_trace(model: Model, lanes: int) -> Array:
    """Allocate a trace [worlds, T, K, n, W], zero; with 0 lanes nothing is kept."""
    grid = model.grid
    return np.zeros((model.rules.world_switches.shape[0], grid.steps, len(TRACES), grid.entities, lanes))


def new_audit(model: Model, steps: int, lanes: int) -> Audit:
    """Allocate the audit of a checked tile, zero; with 0 steps and lanes nothing is kept."""
    return audit_of(model, steps, lanes, leg=KEPT_LEGS, entity=KEPT_ENTITIES, end_entity=("outcome",))


def audit_of(
    model: Model,
    steps: int,
    lanes: int,
    leg: Sequence[str] = (),
    entity: Sequence[str] = (),
    end_leg: Sequence[str] = (),
    end_entity: Sequence[str] = (),
    end_owner: Sequence[str] = (),
) -> Audit:
    """Allocate an audit of named variables of the state: leg and entity right after clearing, the others at the end of the step."""
    size = sizes_of(model)

    def kept(*shape: int) -> Array:
        return zeros((model.rules.world_switches.shape[0], steps, *shape, lanes))

    return Audit(
        row_numbers("leg", leg), kept(len(leg), size["leg"]), row_numbers("entity", entity), kept(len(entity), size["entity"]),
        row_numbers("leg", end_leg), kept(len(end_leg), size["leg"]), row_numbers("entity", end_entity), kept(len(end_entity), size["entity"]),
        row_numbers("owner", end_owner), kept(len(end_owner), size["owner"]),
        kept(), kept(len(WORLD["holding"]), size["holding"]), kept(len(STEP["lane"])), kept(len(WORLD["lane"])),
    )  # fmt: skip


@stage
def keep_flows(trace, s):
    """Copy the flows of the step, once they are all known."""
    copy_rows(s.got, trace.received)
    copy_rows(s.paid, trace.paid)
    copy_rows(s.outside_in, trace.outside_in)
    copy_rows(s.outside_out, trace.outside_out)
    copy_rows(s.dues, trace.dues)
    copy_rows(s.revenue, trace.revenue)
    copy_rows(s.delivered_share, trace.delivered_share)


@stage
def keep_state(trace, net, w, s):
    """Copy the state at the end of the step; free cash flow: revenue and operating receipts less operating payments, interest and capex, as paid."""
    copy_rows(w.cash, trace.cash)
    copy_rows(w.equity, trace.equity)
    copy_rows(w.alive, trace.alive)
    for i in net.lists.inside:
        for lane in range(w.alive.shape[1]):
            operating = s.revenue[i, lane] + s.relet_receipts[i, lane] + s.operating_in[i, lane] - s.operating_out[i, lane]
            trace.free_cash_flow[i, lane] = (operating - s.interest[i, lane] - s.capex_paid[i, lane]) * w.alive[i, lane]


@stage
def keep_cleared(k, audit, now, w, s):
    """Copy the rows of world k that checks read right after clearing."""
    keep_rows(s.leg, w.leg, audit.leg_rows, audit.leg[k, now.t])
    keep_rows(s.entity, w.entity, audit.entity_rows, audit.entity[k, now.t])


@stage
def keep_end(k, audit, now, w, s):
    """Copy the rows of world k that checks read at the end of the step."""
    t = now.t
    copy_row(now.factors.discount, audit.discount[k, t])
    keep_rows(s.leg, w.leg, audit.end_leg_rows, audit.end_leg[k, t])
    keep_rows(s.entity, w.entity, audit.end_entity_rows, audit.end_entity[k, t])
    keep_rows(s.owner, w.owner, audit.end_owner_rows, audit.end_owner[k, t])
    for row in range(w.holding.shape[0]):
        copy_rows(w.holding[row], audit.holding[k, t, row])
    copy_rows(s.lane, audit.step_lane[k, t])
    copy_rows(w.lane, audit.now_lane[k, t])


@stage
def keep_rows(step, world, chosen, kept):
    """Copy chosen rows of `step` and, numbered after them, of `world` (each [rows, m, W]) into kept [K, m, W]."""
    for k in range(chosen.size):
        row = chosen[k]
        if row < step.shape[0]:
            copy_rows(step[row], kept[k])
        else:
            copy_rows(world[row - step.shape[0]], kept[k])
