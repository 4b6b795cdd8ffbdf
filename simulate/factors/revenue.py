"""Revenue over plan: d log R = (mu - sigma^2/2) dt + sigma dW around the delivered plan, with a growth rate mu that wanders and
reverts (Schwartz and Moon 2000, "Rational pricing of internet companies"); (mu, integral of mu) are drawn jointly.

sigma falls from sd0 to sd1: sigma(t) = sd1 + (sd0 - sd1) exp(-t/tau), integrated exactly over each step. The logarithm is corrected
by half its variance, so that the mean is the plan when d = 1 and there is no disappointment.
"""

import numpy as np

from simulate.errors import InputError
from simulate.factors.reversion import integral_variance, transition
from simulate.factors.section import Context, FactorRows, NonNegative, Process, SourcedSection, Timeline
from simulate.model import Array


class Revenue(SourcedSection):
    """[factors.revenue]; the parameters of each entity stand in the table of figures."""

    volatility_scale: NonNegative = 1.0
    """Multiplies the volatilities of revenue and growth of all processes. [1]"""
    regime_scale: NonNegative = 1.0
    """Multiplies the loss of growth in disappointment. [1]"""

    def compile_rows(self, context: Context) -> FactorRows:
        """Return rows of all processes, and the weights of the labs in demand: their shares of the labs' plan."""
        check_processes(context)
        timeline, processes = context.timeline, context.processes
        shape = (len(processes), timeline.steps)
        scale = self.volatility_scale
        steps = [transition(process.growth_decay, scale * process.growth_sd, timeline.dt) for process in processes]
        plan = np.array([process.plan for process in processes], float).reshape(shape)
        labs = np.array([process.is_lab for process in processes], bool)
        weight = np.where(labs[:, None], plan, 0.0)
        total = weight.sum(axis=0)
        return {
            "key_revenue": context.keys("revenue", context.process_names),
            "rev_plan0": np.array([process.plan0 for process in processes], float),
            "rev_plan": plan,
            "rev_loading": np.array([process.loading for process in processes], float),
            "rev_sd": scale * np.sqrt([shock_variance(process, timeline) for process in processes]).reshape(shape),
            "rev_var": np.array([log_variance(self, process, timeline) for process in processes]).reshape(shape),
            "rev_shift": self.regime_scale * np.array([process.regime_shift for process in processes], float),
            "rev_decay": np.array([step.decay for step in steps], float),
            "rev_m_sd": np.array([step.sd for step in steps], float),
            "rev_gain": np.array([step.gain for step in steps], float),
            "rev_int_c1": np.array([step.c1 for step in steps], float),
            "rev_int_c2": np.array([step.c2 for step in steps], float),
            "demand_weight": np.divide(weight, total, out=np.zeros(shape), where=total > 0.0),
        }


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
