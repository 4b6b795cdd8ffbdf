"""The list of factors: their drivers, sections, rows and steps, in the order of docs/model.md, section 2.

To add a factor: a file with its section, its rows and what it carries and says, its kernels and its exact moments; here its section, its rows and the
calls of its kernels, and if it has a shock of its own its driver, last (old draws keep their bits); and the stage that reads it.
"""

from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple

from simulate.factors import confidence, contracts, delivery, execution, firms, life, power_gap, regime, rental, revenue, short_rate, spread, valuation
from simulate.factors.confidence import Confidence
from simulate.factors.delivery import Delivery
from simulate.factors.execution import Execution
from simulate.factors.firms import Firms
from simulate.factors.life import Life
from simulate.factors.power_gap import PowerGap
from simulate.factors.regime import Regime
from simulate.factors.rental import Rental
from simulate.factors.revenue import Revenue
from simulate.factors.section import Process, Section, Timeline
from simulate.factors.short_rate import ShortRate
from simulate.factors.spread import Spread
from simulate.factors.valuation import Valuation
from simulate.kernels.jit import part
from simulate.model import Variable

if TYPE_CHECKING:
    from simulate.factors import drivers

DRIVERS = ("demand", "valuation", "rates", "spread", "power", "rental")
DEMAND, VALUATION, RATES, SPREAD, POWER, RENTAL = range(len(DRIVERS))


class FactorSections(Section):
    """[factors]: a section for each factor; every section and every parameter has a default."""

    regime: Regime = Regime()
    """Delivery or disappointment."""
    short_rate: ShortRate = ShortRate()
    """Short rate, per year."""
    spread: Spread = Spread()
    """Credit spread relative to its mean."""
    valuation: Valuation = Valuation()
    """Common valuation index relative to opening."""
    power_gap: PowerGap = PowerGap()
    """Share of planned additions without power."""
    delivery: Delivery = Delivery()
    """Share of the planned increase of revenue that arrives."""
    revenue: Revenue = Revenue()
    """Scales of the revenue processes."""
    confidence: Confidence = Confidence()
    """Memory of revenue over plan."""
    rental: Rental = Rental()
    """Rental price of compute relative to opening."""
    life: Life = Life()
    """Useful life of chips, years."""
    execution: Execution = Execution()
    """Execution of deals that are not binding."""
    firms: Firms = Firms()
    """Own moves of value and spread of firms."""


class Factors(NamedTuple):
    """Rows of the drivers and of every factor, as the kernels read them."""

    drivers: "drivers.Rows"
    regime: regime.Rows
    short_rate: short_rate.Rows
    spread: spread.Rows
    valuation: valuation.Rows
    power_gap: power_gap.Rows
    delivery: delivery.Rows
    revenue: revenue.Rows
    confidence: confidence.Rows
    rental: rental.Rows
    life: life.Rows
    execution: execution.Rows
    firms: firms.Rows
    contracts: contracts.Rows


MEMBERS: tuple[ModuleType, ...] = (regime, short_rate, spread, valuation, power_gap, delivery, revenue, confidence, rental, life, execution, firms, contracts)


def collect(declared: str) -> dict[str, dict[str, Variable]]:
    """Return what the factors declare as STATE, STEP or DRAWS: variables by shape and name. Raises ValueError for a second meaning of a name."""
    groups: dict[str, dict[str, Variable]] = {}
    for member in MEMBERS:
        for shape, variables in getattr(member, declared, {}).items():
            known = groups.setdefault(shape, {})
            if twice := known.keys() & variables.keys():
                raise ValueError(f"{member.__name__} gives a second meaning to {', '.join(sorted(twice))}")
            known |= variables
    return groups


def largest_exponents(f: FactorSections, timeline: Timeline, processes: tuple[Process, ...]) -> dict[str, float]:
    """Return the largest exponent that a factor reaches on any path, by the keys that make it large."""
    return {
        "factors.short_rate (start, mean, shift and volatility)": short_rate.largest_exponent(f.short_rate, timeline),
        "factors.valuation (disappointment_shift, and rate_duration times the short rate)": valuation.largest_exponent(f.valuation, timeline, f.short_rate),
        "factors.rental (table, obsolescence and demand_pull)": rental.largest_exponent(f.rental, timeline),
        "factors.revenue.regime_scale (times the figure regime_shift)": revenue.largest_exponent(f.revenue, timeline, processes),
        "the figures growth0 and growth_sd0 (times momentum_scale, volatility_scale and tail_scale of factors.revenue)": revenue.largest_opening(
            f.revenue, timeline, processes
        ),
    }


def own_normals(processes: int, moves: int) -> int:
    """Return the number of normals in a step besides those of the drivers."""
    return 1 + revenue.NORMALS * processes + 1 + moves  # of the short rate, of revenue, of rivals, of firms


@part
def begin_members(f, first_path, state, draws, out):
    """Set every factor to its opening, and make the draws of each path."""
    common, own = state.free[0], state.free[1]
    regime.begin(out)
    short_rate.begin(f.short_rate, state, out)
    spread.begin(state, out)
    valuation.begin(state)
    power_gap.begin(f.power_gap, first_path, state)
    delivery.draw_common(f.delivery, first_path, common)
    delivery.draw(f.delivery, first_path, common, own, draws.delivery)
    confidence.begin(out)
    rental.begin(state)
    life.draw(f.life, first_path, own, draws.life)
    execution.draw(f.execution, first_path, common, own, draws.scale)
    revenue.begin(f.revenue, first_path, state.free, state)  # after all that read the common normal: it takes its place
    firms.begin(state, out)
    contracts.begin(f.contracts, draws, state, out)


@part
def draw_members(f, t, first_path, uniform):
    """Draw the uniforms of step t that are no driver's, [own_normals(R, M), W]."""
    short_rate.draw(f.short_rate, t, first_path, uniform[0])
    revenue.draw(f.revenue, t, first_path, uniform[1:])
    firms.draw(f.firms, t, first_path, uniform[uniform.shape[0] - f.firms.sd.size :])


@part
def advance_members(f, dt, t, first_path, state, draws, out):
    """Advance every factor to the end of step t, each after those that it reads."""
    z, own = state.driver, state.normal[len(DRIVERS) :]
    regime.advance(f.regime, t, first_path, state.free[0], out)
    short_rate.advance(f.short_rate, dt, z[RATES], own[0], state, out)
    spread.advance(f.spread, t, z[SPREAD], state, out)
    valuation.advance(f.valuation, f.short_rate.opening, t, z[VALUATION], state, out)
    power_gap.advance(f.power_gap, dt, t, first_path, z[POWER], state, out)
    revenue.advance(f.revenue, dt, t, z[DEMAND], own[1:], draws.delivery, state.free[0], state, out)
    confidence.advance(f.confidence, t, out)
    rental.advance(f.rental, t, z[RENTAL], state.free[0], state.free[1], state, out)
    firms.advance(f.firms, t, own[own.shape[0] - f.firms.sd.size :], state, out)
    contracts.advance(f.contracts, draws, state.free[0], state, out)
