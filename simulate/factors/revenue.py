"""Revenue over plan: d log R = (mu - sigma^2/2) dt + sigma dW around the delivered plan, with a growth rate mu that wanders and
reverts (Schwartz and Moon 2000, "Rational pricing of internet companies"); (mu, integral of mu) are drawn jointly.

Nobody knows the growth of a young firm at the opening: mu begins at what was last seen (growth0) plus a draw with fat tails, a scale mixture of two normals
(Tukey 1960), and fades to that of the plan. Labs share a market: of their own shocks a part is won from each other and from rivals outside.

sigma falls from sd0 to sd1: sigma(t) = sd1 + (sd0 - sd1) exp(-t/tau), integrated exactly over each step. The logarithm is corrected
so that the mean is the plan, moved by growth0, when d = 1 and there is no disappointment.
"""

import math
from typing import Annotated, NamedTuple

import numpy as np
from pydantic import Field

from simulate.dimensions import Plausible
from simulate.errors import InputError
from simulate.factors.reversion import integral_variance, transition
from simulate.factors.section import FAR, Context, NonNegative, Process, Share, SourcedSection, Timeline
from simulate.kernels.jit import part
from simulate.kernels.maths import exp_in_place
from simulate.kernels.random import FIRST_DRAW, ONCE, SECOND_DRAW, fill_normal, fill_uniform
from simulate.model import Array, Variable

NORMALS = 3  # a process and step: of revenue, and of growth and its integral
RIVALS = "rivals"  # name of the draws of labs outside of the network

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

    key: Array  # [R + 1, 2] uint32, last the rivals
    mix: Array  # [R, R + 1] weights of the own normals in the own shock of each process
    opening_growth: Array  # [R] per year
    opening_sd: Array  # [R] per year
    draws_opening: Array  # [R + 1] 1: the opening growth of some process hangs on this draw
    tail_probability: float
    tail_scale: float
    share_switching: float
    plan0: Array  # [R] USD bn a step, the opening step
    plan: Array  # [R, T] USD bn a step
    loading: Array  # [R] on the demand driver
    sd: Array  # [R, T] of the step's own shock
    correction: Array  # [R, T] logarithm of the mean of what the logarithm's shocks do
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
    momentum_scale: Annotated[NonNegative, Plausible(0, 2)] = 1.0
    """Multiplies the opening growth over plan (growth0) of all processes; 0: growth begins at plan. [1]"""
    tail_probability: Share = 0.0
    """Probability that the opening growth is drawn with the wide law. [1]"""
    tail_scale: Annotated[float, Field(ge=1, le=100), Plausible(1, 10)] = 3.0
    """Standard deviation of the wide law over the other. [1]"""
    share_switching: Share = 0.0
    """Part of the labs' own shocks that one wins and others lose. [1]"""
    rival_share: Share = 0.0
    """Share of labs outside of the network in what is shared. [share]"""

    def compile_rows(self, context: Context) -> Rows:
        """Return rows of all processes."""
        check_processes(context)
        timeline, processes = context.timeline, context.processes
        shape = (len(processes), timeline.steps)
        scale = self.volatility_scale
        steps = [transition(process.growth_decay, scale * process.growth_sd, timeline.dt) for process in processes]
        mix = mix_shocks(self, processes)
        opening_sd = scale * np.array([process.growth_sd0 for process in processes], float)
        return Rows(
            key=context.keys("revenue", [*context.process_names, RIVALS]),
            mix=mix,
            opening_growth=self.momentum_scale * np.array([process.growth0 for process in processes], float),
            opening_sd=opening_sd,
            draws_opening=np.any((opening_sd[:, None] * mix) != 0.0, axis=0).astype(float),
            tail_probability=self.tail_probability,
            tail_scale=self.tail_scale,
            share_switching=self.share_switching,
            plan0=np.array([process.plan0 for process in processes], float),
            plan=np.array([process.plan for process in processes], float).reshape(shape),
            loading=np.array([process.loading for process in processes], float),
            sd=scale * np.sqrt([shock_variance(process, timeline) for process in processes]).reshape(shape),
            correction=np.array([log_mean(self, process, weights, timeline) for process, weights in zip(processes, mix, strict=True)]).reshape(shape),
            shift=self.regime_scale * np.array([process.regime_shift for process in processes], float),
            decay=np.array([step.decay for step in steps], float),
            growth_sd=np.array([step.sd for step in steps], float),
            gain=np.array([step.gain for step in steps], float),
            c1=np.array([step.c1 for step in steps], float),
            c2=np.array([step.c2 for step in steps], float),
        )


@part
def begin(p, first_path, own, state):
    """Begin at the level of the plan, with an uncertain growth (2.7.7); own [2, W] is scratch."""
    processes, mixed, uniform = p.plan0.size, own[0], own[1]
    state.lost_growth[:] = 0.0
    for i in range(processes):
        state.growth[i, :] = p.opening_growth[i]
    for j in range(processes + 1):
        if p.draws_opening[j] > 0.0:
            draw_opening(p, j, first_path, mixed, uniform)
            for i in range(processes):
                weight = p.opening_sd[i] * p.mix[i, j]
                for lane in range(mixed.size):
                    state.growth[i, lane] += weight * mixed[lane]
    state.log_revenue[:] = 0.0


@part
def draw_opening(p, j, first_path, x, uniform):
    """Draw X_j [W]: mean 0, variance 1, with probability tail_probability `tail_scale` times as wide as else."""
    fill_normal(p.key[j], ONCE, FIRST_DRAW, first_path, x)
    if p.tail_probability == 0.0:
        return
    fill_uniform(p.key[j], ONCE, SECOND_DRAW, first_path, uniform)
    body = 1.0 / math.sqrt(1.0 - p.tail_probability + p.tail_probability * p.tail_scale * p.tail_scale)
    tail = body * p.tail_scale
    for lane in range(x.size):
        x[lane] *= tail if uniform[lane] < p.tail_probability else body


@part
def draw(p, t, first_path, uniform):
    """Draw the uniforms [3 R + 1, W] of step t, last that of the rivals.

    Where a process has no growth risk its two draws are not made (their coefficients are 0, and 1/2 becomes the normal 0).
    """
    processes = p.plan0.size
    for i in range(processes):
        for k in range(NORMALS):
            if k == 0 or p.growth_sd[i] > 0.0:
                fill_uniform(p.key[i], t, k, first_path, uniform[NORMALS * i + k])
            else:
                uniform[NORMALS * i + k, :] = 0.5
    if p.share_switching > 0.0:
        fill_uniform(p.key[processes], t, FIRST_DRAW, first_path, uniform[NORMALS * processes])
    else:
        uniform[NORMALS * processes, :] = 0.5


@part
def advance(p, dt, t, z, normal, delivery, own, state, out):
    """Advance revenue over plan to the end of step t (2.7); z [W]: driver of demand, normal [3 R + 1, W], delivery [R, W], own [W]: scratch."""
    for i in range(delivery.shape[0]):
        n = normal[NORMALS * i :]
        if p.growth_sd[i] > 0.0 or p.opening_sd[i] > 0.0 or p.opening_growth[i] != 0.0:
            advance_growth(p, i, n[1], n[2], state.growth[i], state.log_revenue[i])
        mix_normals(p, i, normal, own)
        add_shock(p.loading[i], p.sd[i, t], z, own, state.log_revenue[i])
        fall = p.shift[i] * dt
        lost = state.lost_growth[i]
        for lane in range(z.size):
            lost[lane] += fall * out.regime[lane]
        relate_to_plan(p, i, t, delivery[i], state.log_revenue[i], lost, out.ratio[i])


@part
def mix_normals(p, i, normal, own):
    """Fill own [W] with the own normal of process i: what it wins itself less what others win."""
    own[:] = 0.0
    for j in range(p.mix.shape[1]):
        weight, n = p.mix[i, j], normal[NORMALS * j]
        if weight != 0.0:
            for lane in range(own.size):
                own[lane] += weight * n[lane]


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
    correction = p.correction[i, t]
    opening, plan = p.plan0[i], p.plan[i, t]
    for lane in range(ratio.size):
        ratio[lane] = log_revenue[lane] - correction + lost[lane]
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


def mix_shocks(section: Revenue, processes: tuple[Process, ...]) -> Array:
    """[R, R + 1] weights of independent normals (last: rivals) in the own shock of each process, rows of length 1 (2.7.8).

    Labs share a market: each loses `share_switching` times the mean of all own shocks, weighted by revenue at the opening; the rivals outside weigh `rival_share`.
    """
    count = len(processes)
    planned = np.array([process.plan0 if process.is_lab else 0.0 for process in processes])  # of the opening: the horizon decides nothing
    whole = math.fsum(planned)  # exact sums: processes that are no labs move no bit
    weights = np.append(planned * (1.0 - section.rival_share) / whole if whole > 0.0 else planned, section.rival_share)
    mix = np.eye(count, count + 1)
    for i, process in enumerate(processes):
        if process.is_lab:
            mix[i] -= section.share_switching * weights
            length = math.sqrt(math.fsum(mix[i] ** 2))
            mix[i] = mix[i] / length if length > 0.0 else np.eye(count, count + 1)[i]  # the only lab has nobody to win from
    return mix


def opening_gain(process: Process, timeline: Timeline) -> Array:
    """[T] years: what log revenue gains until the end of each step on an opening growth of 1 a year."""
    ends = timeline.step_ends()
    return ends if process.growth_decay == 0.0 else -np.expm1(-process.growth_decay * ends) / process.growth_decay


def log_moment(section: Revenue, exponent: Array) -> Array:
    """Logarithm of the mean of exp(exponent X), X as `draw_opening` draws it."""
    q, k = section.tail_probability, section.tail_scale
    half = 0.5 * np.square(exponent) / (1.0 - q + q * k * k)
    with np.errstate(divide="ignore"):
        return np.logaddexp(np.log1p(-q) + half, np.log(q) + half * k * k)


def opening_log_mean(section: Revenue, process: Process, weights: Array, timeline: Timeline, times: float = 1.0) -> Array:
    """[T] logarithm of the mean of exp(times Y_0), Y_0 what the uncertain opening growth adds to log revenue; weights [R + 1]: its row of the mix."""
    gained = times * section.volatility_scale * process.growth_sd0 * opening_gain(process, timeline)
    return np.sum([log_moment(section, gained * weight) for weight in weights if weight != 0.0], axis=0)


def log_mean(section: Revenue, process: Process, weights: Array, timeline: Timeline) -> Array:
    """[T] logarithm of the mean of all shocks of Y at the end of each step."""
    return 0.5 * log_variance(section, process, timeline) + opening_log_mean(section, process, weights, timeline)


def check_processes(context: Context) -> None:
    """Refuse processes without a plan or with parameters out of range. Raises InputError."""
    problems = []
    for process in context.processes:
        plan = np.asarray(process.plan, float)
        if plan.shape != (context.timeline.steps,) or not np.all(plan > 0.0) or not process.plan0 >= 0.0:
            problems.append(f"Revenue plan of {process.name} must be above 0 in each of the {context.timeline.steps} steps (opening: not below 0).")
        if not -1.0 <= process.loading <= 1.0:
            problems.append(f"process_loading of {process.name} is {process.loading:g}; a loading lies between -1 and 1.")
        for label in ("sd0", "sd1", "sd_tau", "growth_sd", "growth_decay", "growth_sd0"):
            if not getattr(process, label) >= 0.0:
                problems.append(f"{label} of the revenue of {process.name} is {getattr(process, label):g}; it must not be negative.")
    if problems:
        raise InputError(problems)


def mean_and_variance(section: Revenue, processes: tuple[Process, ...], row: int, timeline: Timeline) -> tuple[Array, Array]:
    """[T] mean and variance of revenue over plan of a process when all of the increase is delivered and there is no disappointment."""
    process, weights = processes[row], mix_shocks(section, processes)[row]
    mean = np.exp(section.momentum_scale * process.growth0 * opening_gain(process, timeline))
    spread = log_variance(section, process, timeline)
    spread = spread + opening_log_mean(section, process, weights, timeline, 2.0) - 2.0 * opening_log_mean(section, process, weights, timeline)
    return mean, mean**2 * np.expm1(spread)


def largest_exponent(section: Revenue, timeline: Timeline, processes: tuple[Process, ...]) -> float:
    """Return the largest logarithm that a regime adds to revenue on any path; shocks of a step have a bounded exponential."""
    return section.regime_scale * timeline.steps * timeline.dt * max((process.regime_shift for process in processes), default=0.0)


def largest_opening(section: Revenue, timeline: Timeline, processes: tuple[Process, ...]) -> float:
    """Return the largest logarithm that the opening growth adds to revenue on any path."""
    widest = FAR * max(1.0, section.tail_scale * (section.tail_probability > 0.0))
    openings = (
        float(opening_gain(process, timeline)[-1]) * (section.momentum_scale * process.growth0 + section.volatility_scale * process.growth_sd0 * widest)
        for process in processes
    )
    return max(openings, default=0.0)
