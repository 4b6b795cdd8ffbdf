"""From calendar years to steps: the calendar of a run, smooth spreading of annual totals, and balances with their amortisation.

Shapes: T steps of the run, N steps of a grid. Money USD bn, time years.
"""

import math
from collections.abc import Mapping
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np

from simulate.model import Array

DAYS_A_YEAR = 365.25


class Calendar(NamedTuple):
    """Steps of a run that starts after the last day `start` of a month; steps never cross a New Year."""

    start: date
    steps: int
    months: int  # months a step: 1, 3 or 12

    @property
    def dt(self) -> float:
        """Length of a step in years."""
        return self.months / 12

    @property
    def steps_a_year(self) -> int:
        """Number of steps in a calendar year."""
        return 12 // self.months

    @property
    def first_year(self) -> int:
        """The calendar year of the first step."""
        return self.start.year + self.start.month // 12

    @property
    def offset(self) -> int:
        """Steps of the first year that lie before the start."""
        return self.start.month % 12 // self.months

    @property
    def years(self) -> range:
        """Calendar years that the run touches."""
        return range(self.first_year, self.first_year + math.ceil((self.offset + self.steps) / self.steps_a_year))

    def year_of_step(self) -> Array:
        """[T] the calendar year of each step."""
        return self.first_year + (self.offset + np.arange(self.steps)) // self.steps_a_year

    def year_grid(self) -> Array:
        """[N] the year of each step of the whole calendar years that the run touches."""
        return np.repeat(np.array(self.years), self.steps_a_year)

    def through(self, year: int) -> "Calendar":
        """Return the calendar of the same steps that ends with a calendar year."""
        return self._replace(steps=(year - self.first_year + 1) * self.steps_a_year - self.offset)

    def step_of(self, day: date) -> int:
        """Return the step whose interval (begin, end] holds the day; negative before the run, T or more after it."""
        return ((day.year - self.start.year) * 12 + day.month - self.start.month - 1) // self.months

    def end_of(self, step: int) -> date:
        """Return the last day of a step."""
        months = self.start.year * 12 + self.start.month + (step + 1) * self.months  # to the first day after it
        return date(months // 12, months % 12 + 1, 1) - timedelta(days=1)

    def years_of_run(self) -> Array:
        """[T] the year of the run that each step belongs to, from 0: twelve months from the opening, whatever the calendar says."""
        return np.arange(self.steps) // self.steps_a_year

    def active(self, first: date | None, last: date | None) -> Array:
        """[N] True where the step overlaps [first, last], on the grid of whole years; None: open on that side."""
        position = np.arange(len(self.year_grid())) - self.offset
        begin = -(10**9) if first is None else self.step_of(first)
        end = 10**9 if last is None else self.step_of(last)
        return (position >= begin) & (position <= end)


def spread_years(calendar: Calendar, totals: Mapping[int, float], *, opening: float | None = None, signed: bool = False, active: Array | None = None) -> Array:
    """Spread totals of calendar years (missing years: 0) smoothly over steps; [T], with exact annual sums.

    `opening` is the amount of the step before the first one. `active` [N] limits the steps that may carry an amount.
    """
    years = calendar.year_grid()
    wanted = np.array([float(totals.get(year, 0.0)) for year in calendar.years])
    anchor = opening if calendar.offset == 0 else None  # inside a year the opening step is not the first of the grid
    amounts = spread_groups(years - calendar.first_year, wanted, opening=anchor, signed=signed, active=active)
    return amounts[calendar.offset : calendar.offset + calendar.steps]


def spread_residual(calendar: Calendar, totals: Mapping[int, float], *, signed: bool = False) -> Array:
    """[T] as spread_years, where the total of a year covers only those of its steps that lie inside the calendar."""
    wanted = np.array([float(totals.get(year, 0.0)) for year in calendar.years])
    return spread_groups(calendar.year_of_step() - calendar.first_year, wanted, signed=signed)


def spread_groups(group: Array, totals: Array, *, opening: float | None = None, signed: bool = False, active: Array | None = None) -> Array:
    """Return the amounts x [N] with the least sum of squared second differences, where group k must sum to totals[k].

    This is a quadratic programme with equality constraints. It leaves no jump at New Year, which would make New Year the default date.
    Where amounts may not be negative, negative steps are set to zero and the others solved again (active set) until none is negative.
    Steps after the last one that may carry an amount do not count: a plan is the same on a longer grid, and does not fade out towards its end.
    """
    free = np.ones(len(group), bool) if active is None else active.copy()
    free &= np.array([totals[k] != 0.0 for k in group])
    if not free.any():
        return np.zeros(len(group))
    n = int(np.flatnonzero(free)[-1]) + 1
    return np.concatenate([spread_free(group[:n], totals, free[:n], opening, signed=signed), np.zeros(len(group) - n)])


def spread_free(group: Array, totals: Array, free: Array, opening: float | None, *, signed: bool) -> Array:
    """Return the amounts of spread_groups on a grid whose last step may carry an amount; `free` [N]: the steps that may."""
    n = len(group)
    amounts = np.zeros(n)
    curvature, pull = roughness(n, opening)
    for _ in range(n):
        amounts = least_rough(curvature, pull, group, totals, free)
        negative = free & (amounts < 0)
        if signed or not negative.any():
            break
        for k in np.unique(group[negative]):  # a year keeps at least its largest step
            inside = np.flatnonzero(free & (group == k))
            negative[inside[np.argmax(amounts[inside])]] = False
        free &= ~negative
    for k in np.unique(group[free]):  # sums are exact but for rounding
        inside = np.flatnonzero(free & (group == k))
        total = amounts[inside].sum()
        amounts[inside] = amounts[inside] * (totals[k] / total) if not signed else amounts[inside] + (totals[k] - total) / len(inside)
    return amounts if signed else np.maximum(amounts, 0.0)


def roughness(n: int, opening: float | None) -> tuple[Array, Array]:
    """Return H [n, n] and g [n] of x'Hx/2 - g'x: squared second differences, and a small weight on first ones that makes short grids unique."""
    points = n + (opening is not None)
    first = np.diff(np.eye(points), axis=0)
    second = np.diff(np.eye(points), n=2, axis=0) if points > 2 else np.zeros((0, points))
    matrix = second.T @ second + 1e-6 * first.T @ first + 1e-10 * np.eye(points)
    if opening is None:
        return matrix, np.zeros(n)
    return matrix[1:, 1:], -matrix[1:, 0] * opening


def least_rough(curvature: Array, pull: Array, group: Array, totals: Array, free: Array) -> Array:
    """Solve the Karush-Kuhn-Tucker system on the free steps; the others are 0."""
    steps = np.flatnonzero(free)
    groups = np.unique(group[steps])
    sums = (group[steps][None, :] == groups[:, None]).astype(float)
    size, constraints = len(steps), len(groups)
    system = np.zeros((size + constraints, size + constraints))
    system[:size, :size] = curvature[np.ix_(steps, steps)]
    system[:size, size:] = sums.T
    system[size:, :size] = sums
    solution = np.linalg.solve(system, np.concatenate([pull[steps], totals[groups]]))
    amounts = np.zeros(len(free))
    amounts[steps] = solution[:size]
    return amounts


class Course(NamedTuple):
    """The undisturbed course of a debt."""

    before: Array  # [T] USD bn at the end of step t-1
    amort: Array  # [T] principal of step t over the balance before it; 1 where it repays all, and where the balance is 0: an amount added later falls due


def run_balance(opening: float, principal: Array, draw: Array, last_step: int | None = None) -> Course:
    """Run a balance through its schedule. Principal that is not drawn yet is repaid as soon as it is; `last_step` clears the rest."""
    before, amort = np.zeros(len(principal)), np.zeros(len(principal))
    balance, overdue = opening, 0.0
    for t in range(len(principal)):
        wanted = balance if t == last_step else principal[t] + overdue
        paid = min(wanted, balance)
        overdue = wanted - paid
        clears = paid >= balance * (1 - 1e-12)
        before[t] = balance
        amort[t] = 1.0 if balance <= 0 or (clears and paid > 0) else paid / balance
        balance = draw[t] if clears else balance - paid + draw[t]
    return Course(before, amort)


def smooth(amounts: Array, weight: float) -> Array:
    """[T] exponentially smoothed amounts, z_t = z_{t-1} + weight (x_t - z_{t-1}), starting from z = x_0."""
    z, out = amounts[0], np.empty_like(amounts)
    for t, x in enumerate(amounts):
        z += weight * (x - z)
        out[t] = z
    return out


def next_year(amounts: Array, calendar: Calendar) -> Array:
    """[T] amount of the year that begins with each step, USD bn a year; flat beyond the calendar."""
    steps = calendar.steps_a_year
    padded = np.concatenate([amounts, np.full(steps, amounts[-1])])
    return np.array([padded[t : t + steps].sum() for t in range(len(amounts))])


def planned_burn(fcf: Array, steps: float) -> Array:
    """[T] cash burnt (negative free cash flow) in the `steps` steps, whole or not, that begin with each step, USD bn; flat beyond the calendar."""
    whole = int(steps)
    burn = np.maximum(0.0, -fcf)
    padded = np.concatenate([burn, np.full(whole + 1, burn[-1])])
    return np.array([padded[t : t + whole].sum() + (steps - whole) * padded[t + whole] for t in range(len(fcf))])
