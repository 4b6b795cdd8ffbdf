"""Revenue over plan: d log R = (mu - sigma^2/2) dt + sigma dW around the delivered plan, with a growth rate mu that wanders and
reverts (Schwartz and Moon 2000, "Rational pricing of internet companies"); (mu, integral of mu) are drawn jointly.

sigma falls from sd0 to sd1: sigma(t) = sd1 + (sd0 - sd1) exp(-t/tau), integrated exactly over each step. The logarithm is corrected
by half its variance, so that the mean is the plan when d = 1 and there is no disappointment.
"""

import math
from typing import Annotated, NamedTuple

import numpy as np

from simulate.dimensions import Plausible
from simulate.errors import InputError
from simulate.factors.reversion import integral_variance, transition
from simulate.factors.section import Context, NonNegative, Process, SourcedSection, Timeline
from simulate.kernels.jit import part
from simulate.kernels.maths import exp_in_place
from simulate.kernels.random import fill_uniform
from simulate.model import Array, Variable

NORMALS = 3  # a process and step: of revenue, and of growth and its integral

STATE = {
    "process": {
        "growth": Variable("1/year", "growth rate of revenue over that of the plan"),
        "log_revenue": Variable("1", "logarithm of revenue over the delivered plan, before its correction"),
        "lost_growth": Variable("1", "logarithm of what growth lost in disappointment"),
    }
}
STEP = {"process": {"ratio": Variable("share of plan", "revenue over plan of a process")}}


class Rows(NamedTuple):
    """Parameters of a step; a row a process."""

    key: Array  # [R, 2] uint32
    plan0: Array  # [R] USD bn a step, the opening step
    plan: Array  # [R, T] USD bn a step
    loading: Array  # [R] on the demand driver
    sd: Array  # [R, T] of the step's own shock
    variance: Array  # [R, T] of the logarithm
    shift: Array  # [R] log per year in disappointment
    decay: Array  # [R] of growth
    growth_sd: Array  # [R]
    gain: Array  # [R] years
    c1: Array  # [R] of the integral on the normal of growth
    c2: Array  # [R] of the integral on its own normal


class Revenue(SourcedSection):
    """[factors.revenue]; the parameters of each entity stand in the table of figures."""

    volatility_scale: Annotated[NonNegative, Plausible(0, 5)] = 1.0
    """Multiplies the volatilities of revenue and growth of all processes. [1]"""
    regime_scale: Annotated[NonNegative, Plausible(0, 5)] = 1.0
    """Multiplies the loss of growth in disappointment. [1]"""

    def compile_rows(self, context: Context) -> Rows:
        """Return rows of all processes."""
        check_processes(context)
        timeline, processes = context.timeline, context.processes
        shape = (len(processes), timeline.steps)
        scale = self.volatility_scale
        steps = [transition(process.growth_decay, scale * process.growth_sd, timeline.dt) for process in processes]
        return Rows(
            key=context.keys("revenue", context.process_names),
            plan0=np.array([process.plan0 for process in processes], float),
            plan=np.array([process.plan for process in processes], float).reshape(shape),
            loading=np.array([process.loading for process in processes], float),
            sd=scale * np.sqrt([shock_variance(process, timeline) for process in processes]).reshape(shape),
            variance=np.array([log_variance(self, process, timeline) for process in processes]).reshape(shape),
            shift=self.regime_scale * np.array([process.regime_shift for process in processes], float),
            decay=np.array([step.decay for step in steps], float),
            growth_sd=np.array([step.sd for step in steps], float),
            gain=np.array([step.gain for step in steps], float),
            c1=np.array([step.c1 for step in steps], float),
            c2=np.array([step.c2 for step in steps], float),
        )


@part
def begin(state):
    """Begin on plan."""
    state.growth[:] = 0.0
    state.log_revenue[:] = 0.0
    state.lost_growth[:] = 0.0


@part
def draw(p, t, first_path, uniform):
    """Draw the uniforms [3 R, W] of step t.

    Where a process has no growth risk its two draws are not made (their coefficients are 0, and 1/2 becomes the normal 0).
    """
    for i in range(p.key.shape[0]):
        for k in range(NORMALS):
            if k == 0 or p.growth_sd[i] > 0.0:
                fill_uniform(p.key[i], t, k, first_path, uniform[NORMALS * i + k])
            else:
                uniform[NORMALS * i + k, :] = 0.5


@part
def advance(p, dt, t, z, normal, delivery, state, out):
    """Advance revenue over plan to the end of step t (2.7); z [W]: driver of demand, normal [3 R, W], delivery [R, W]."""
    for i in range(delivery.shape[0]):
        n = normal[NORMALS * i :]
        if p.growth_sd[i] > 0.0:
            advance_growth(p, i, n[1], n[2], state.growth[i], state.log_revenue[i])
        add_shock(p.loading[i], p.sd[i, t], z, n[0], state.log_revenue[i])
        fall = p.shift[i] * dt
        lost = state.lost_growth[i]
        for lane in range(z.size):
            lost[lane] += fall * out.regime[lane]
        relate_to_plan(p, i, t, delivery[i], state.log_revenue[i], lost, out.ratio[i])


@part
def advance_growth(p, i, n1, n2, growth, log_revenue):
    """Advance the growth rate of process i and its integral jointly."""
    gain, c1, c2, decay, sd = p.gain[i], p.c1[i], p.c2[i], p.decay[i], p.growth_sd[i]
    for lane in range(n1.size):
        log_revenue[lane] += gain * growth[lane] + c1 * n1[lane] + c2 * n2[lane]
    for lane in range(n1.size):
        growth[lane] = decay * growth[lane] + sd * n1[lane]


@part
def add_shock(loading, sd, z, n, log_revenue):
    """Add the shock of revenue, of which the part `loading` is that of demand."""
    rest = math.sqrt(1.0 - loading * loading)
    for lane in range(z.size):
        log_revenue[lane] += sd * (loading * z[lane] + rest * n[lane])


@part
def relate_to_plan(p, i, t, delivery, log_revenue, lost, ratio):
    """Set revenue of process i over its plan (Schwartz and Moon 2000, around the delivered plan), all [W]."""
    half = 0.5 * p.variance[i, t]
    opening, plan = p.plan0[i], p.plan[i, t]
    for lane in range(ratio.size):
        ratio[lane] = log_revenue[lane] - half + lost[lane]
    exp_in_place(ratio)
    for lane in range(ratio.size):
        ratio[lane] *= max(0.0, opening + delivery[lane] * (plan - opening)) / plan


def shock_variance(process: Process, timeline: Timeline) -> Array:
    """[T] integral of sigma(t)^2 over each step."""
    ends = np.concatenate([[0.0], timeline.step_ends()])
    if process.sd_tau == 0.0:  # no fading: the final volatility throughout
        return process.sd1**2 * np.diff(ends)
    gap, tau = process.sd0 - process.sd1, process.sd_tau
    faded = 2.0 * process.sd1 * gap * tau * -np.expm1(-ends / tau) + gap**2 * 0.5 * tau * -np.expm1(-2.0 * ends / tau)
    return np.diff(process.sd1**2 * ends + faded)


def log_variance(section: Revenue, process: Process, timeline: Timeline) -> Array:
    """[T] variance of Y at the end of each step: own shocks and the integral of growth."""
    growth = integral_variance(process.growth_decay, process.growth_sd, timeline.step_ends())
    return section.volatility_scale**2 * (np.cumsum(shock_variance(process, timeline)) + growth)


def check_processes(context: Context) -> None:
    """Refuse processes without a plan or with parameters out of range. Raises InputError."""
    problems = []
    for process in context.processes:
        plan = np.asarray(process.plan, float)
        if plan.shape != (context.timeline.steps,) or not np.all(plan > 0.0) or not process.plan0 >= 0.0:
            problems.append(f"Revenue plan of {process.name} must be above 0 in each of the {context.timeline.steps} steps (opening: not below 0).")
        if not -1.0 <= process.loading <= 1.0:
            problems.append(f"process_loading of {process.name} is {process.loading:g}; a loading lies between -1 and 1.")
        for label in ("sd0", "sd1", "sd_tau", "growth_sd", "growth_decay"):
            if not getattr(process, label) >= 0.0:
                problems.append(f"{label} of the revenue of {process.name} is {getattr(process, label):g}; it must not be negative.")
    if problems:
        raise InputError(problems)


def mean_and_variance(section: Revenue, process: Process, timeline: Timeline) -> tuple[Array, Array]:
    """[T] mean and variance of revenue over plan when all of the increase is delivered and there is no disappointment."""
    return np.ones(timeline.steps), np.expm1(log_variance(section, process, timeline))


def largest_exponent(section: Revenue, timeline: Timeline, processes: tuple[Process, ...]) -> float:
    """Return the largest logarithm that a regime adds to revenue on any path; shocks of its own have a bounded exponential."""
    return section.regime_scale * timeline.steps * timeline.dt * max((process.regime_shift for process in processes), default=0.0)
