"""Own moves of firms beside the common ones: of what their equity is valued at, and of their credit spread.

exp of an Ornstein-Uhlenbeck process (Schwartz 1997, model 1), corrected to mean 1: a private firm is priced apart from the market between two rounds,
and a borrower's spread moves on its own news.
"""

from typing import Annotated, NamedTuple

import numpy as np

from simulate.dimensions import Plausible
from simulate.factors.reversion import advance_log, transition, variance
from simulate.factors.section import Context, NonNegative, OwnMove, SourcedSection, Timeline
from simulate.kernels.jit import part
from simulate.kernels.maths import copy_row, exp_in_place
from simulate.kernels.random import FIRST_DRAW, fill_uniform
from simulate.model import Array, Variable

STATE = {"move": {"log_move": Variable("1", "logarithm of an own move, before its correction")}}
STEP = {
    "move": {
        "own_move": Variable("ratio", "own move of a firm's value or spread"),
        "own_move_before": Variable("ratio", "own move in the step before"),
    }
}


class Rows(NamedTuple):
    """Parameters of a step; a row a move."""

    key: Array  # [M, 2] uint32
    decay: Array  # [M]
    sd: Array  # [M]
    variance: Array  # [M, T] of the logarithm


class Firms(SourcedSection):
    """[factors.firms]; the volatilities of each entity stand in the table of figures."""

    value_reversion: Annotated[NonNegative, Plausible(0, 10)] = 1.0
    """Speed at which an own move of a firm's value fades. [per year]"""
    spread_reversion: Annotated[NonNegative, Plausible(0, 10)] = 0.7
    """Speed at which an own move of a firm's spread fades. [per year]"""
    volatility_scale: Annotated[NonNegative, Plausible(0, 5)] = 1.0
    """Multiplies the volatilities of all own moves. [1]"""

    def compile_rows(self, context: Context) -> Rows:
        """Return the exact steps of all moves, and the variances of their logarithms."""
        timeline, moves = context.timeline, context.moves
        steps = [transition(self.reversion_of(move), self.volatility_scale * move.sd, timeline.dt) for move in moves]
        logs = [log_variance(self, move, timeline) for move in moves]
        return Rows(
            key=np.array([context.key(f"{move.kind}:{move.name}") for move in moves], np.uint32).reshape(-1, 2),
            decay=np.array([step.decay for step in steps], float),
            sd=np.array([step.sd for step in steps], float),
            variance=np.array(logs, float).reshape(len(moves), timeline.steps),
        )

    def reversion_of(self, move: OwnMove) -> float:
        """Return the speed of reversion of a move."""
        return self.value_reversion if move.kind == "value" else self.spread_reversion


@part
def begin(state, out):
    """Begin at the mean."""
    state.log_move[:] = 0.0
    out.own_move[:] = 1.0


@part
def draw(p, t, first_path, uniform):
    """Draw the uniforms [M, W] of step t."""
    for m in range(p.sd.size):
        fill_uniform(p.key[m], t, FIRST_DRAW, first_path, uniform[m])


@part
def advance(p, t, normal, state, out):
    """Advance every own move to the end of step t (2.12); normal [M, W]."""
    for m in range(p.sd.size):
        copy_row(out.own_move[m], out.own_move_before[m])
        advance_log(p.decay[m], p.sd[m], p.variance[m, t], normal[m], state.log_move[m], out.own_move[m])
        exp_in_place(out.own_move[m])


def log_variance(section: Firms, move: OwnMove, timeline: Timeline) -> Array:
    """[T] variance of the logarithm of a move at the end of each step."""
    return variance(section.reversion_of(move), section.volatility_scale * move.sd, timeline.step_ends())


def mean_and_variance(section: Firms, move: OwnMove, timeline: Timeline) -> tuple[Array, Array]:
    """[T] mean and variance of a move at the end of each step."""
    return np.ones(timeline.steps), np.expm1(log_variance(section, move, timeline))
