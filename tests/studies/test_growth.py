"""Opening growth: the law against integrals by brute force and simulated histories, the rules by hand, and faults of its files as sentences."""

import math
from datetime import date

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import minimize
from scipy.stats import norm

from simulate.cli.app import exit_code
from simulate.errors import InputError
from simulate.scenario.load import load_scenario
from simulate.studies import growth, guidance
from simulate.studies.growth import Half, Opening, RunRate, choose, covered, find_halves, forecasts, mean_decay, opening_of, opening_sd, yearly_growth
from simulate.studies.growth_law import Forecasts, Law, OwnShocks, below, gain, kurtosis, log_likelihood, mixture, own_variance, with_best_reference
from simulate.studies.guidance import carried_on, measure_surprises
from tests.makers.small import SMALL, copy_small

OWN = OwnShocks(0.3, 0.12, 2.0, 0.03)
LAW = Law(0.6, 0.9, 1.7)
KNOWN = Forecasts(np.array([2.0, 0.4, -0.5]), np.array([0.5, 0.4, 1.0]), np.array([1.3, -0.6, 0.2]), np.array([1.0, 0.5, 0.25]))
RATES_HEAD = "entity,date,value,unit,known_on,source,note\n"
GUIDANCE_HEAD = "entity,date,low,high,outcome,unit,guided_on,known_on,source,note\n"
RATES = ("lab,2023-12-31,1", "lab,2024-06-30,2", "lab,2024-12-31,5", "lab,2025-06-30,8", "lab,2025-12-31,11", "cloud,2024-12-31,2", "cloud,2025-12-31,3")


def contamination(x, law):
    """Density of X, written down from its definition."""
    scale = 1 / math.sqrt(1 - law.outlier + law.outlier * law.scale**2)
    return (1 - law.outlier) * norm.pdf(x, scale=scale) + law.outlier * norm.pdf(x, scale=law.scale * scale)


def moved_given(x, law, own, trailing, years):
    """Mean and standard deviation of the gain of the logarithm, given X."""
    opening = trailing - law.reference + law.sd * x
    times = np.linspace(0.0, years, 20_001)
    mean = law.reference * years + opening * np.trapezoid(np.exp(-law.decay * times), times)
    volatility = own.sd1 + (own.sd0 - own.sd1) * np.exp(-times / own.sd_tau)
    later = own.growth_sd * (1 - np.exp(-law.decay * (years - times))) / law.decay
    return mean, math.sqrt(np.trapezoid(volatility**2 + later**2, times))


@pytest.mark.parametrize("i", range(3))
def test_density_and_distribution_are_integrals_over_the_opening(i):
    trailing, years, moved = KNOWN.trailing[i], KNOWN.years[i], KNOWN.moved[i]
    sd = moved_given(0.0, LAW, OWN, trailing, years)[1]

    def mean(x):
        return LAW.reference * years + (trailing - LAW.reference + LAW.sd * x) * -math.expm1(-LAW.decay * years) / LAW.decay

    assert mean(0.7) == pytest.approx(moved_given(0.7, LAW, OWN, trailing, years)[0], rel=1e-8)
    density = quad(lambda x: contamination(x, LAW) * norm.pdf(moved, mean(x), sd), -15, 15, limit=400)[0]
    chance = quad(lambda x: contamination(x, LAW) * norm.cdf(moved, mean(x), sd), -15, 15, limit=400)[0]
    assert mixture(LAW, OWN, KNOWN).density(LAW.reference, KNOWN.moved)[i] == pytest.approx(density, rel=1e-6)
    assert below(LAW, OWN, KNOWN)[i] == pytest.approx(chance, rel=1e-6)


def test_a_log_likelihood_weighs_its_forecasts():
    densities = [log_likelihood(LAW, OWN, Forecasts(*(column[[i]] for column in KNOWN[:3]), np.ones(1))) for i in range(3)]
    assert log_likelihood(LAW, OWN, KNOWN) == pytest.approx(densities[0] + 0.5 * densities[1] + 0.25 * densities[2])


def test_the_best_reference_is_a_maximum():
    law, highest = with_best_reference(LAW, OWN, KNOWN)
    assert highest == pytest.approx(log_likelihood(law, OWN, KNOWN))
    searched = [log_likelihood(law._replace(reference=float(reference)), OWN, KNOWN) for reference in np.linspace(-2, 4, 2_001)]
    assert highest >= max(searched) - 1e-9


def test_the_tail_has_variance_one_and_the_kurtosis_that_is_said():
    moments = [quad(lambda x, n=n: x**n * contamination(x, LAW), -40, 40, limit=400)[0] for n in (2, 4)]
    assert moments[0] == pytest.approx(1.0) and moments[1] == pytest.approx(kurtosis(LAW.outlier, LAW.scale))
    assert kurtosis(0.1, 3.0) == pytest.approx(8.33, abs=0.01) and kurtosis(0.0, 3.0) == 3.0


def test_gain_and_own_shocks_at_their_limits():
    assert gain(0.0, 2.0) == 2.0 and gain(1e-9, 2.0) == pytest.approx(2.0) and gain(2.0, 50.0) == pytest.approx(0.5)
    plain = OWN._replace(sd0=0.2, sd1=0.2, growth_sd=0.0)
    assert own_variance(plain, 1.0, np.array([0.5, 2.0])) == pytest.approx([0.02, 0.08])


def drawn(law, dice, count):
    """Forecasts drawn from the law itself."""
    trailing, years = dice.uniform(-0.5, 3.0, count), dice.choice([0.35, 0.5, 1.0], count)
    wide = np.where(dice.random(count) < law.outlier, law.scale, 1.0)
    x = wide * dice.normal(size=count) / math.sqrt(1 - law.outlier + law.outlier * law.scale**2)
    own = np.sqrt(own_variance(OWN, law.decay, years)) * dice.normal(size=count)
    reach = -np.expm1(-law.decay * years) / law.decay
    return Forecasts(trailing, years, law.reference * years + reach * (trailing - law.reference + law.sd * x) + own, np.ones(count))


def test_likelihood_finds_the_law_of_simulated_histories():
    """Dispersion and decay are found within four standard errors, which the curvature of the log likelihood says."""
    known = drawn(LAW, np.random.default_rng(5), 2_000)

    def unlikely(x):
        return -with_best_reference(LAW._replace(sd=x[0], decay=x[1]), OWN, known)[1]

    found = minimize(unlikely, [0.6, 1.2], method="Nelder-Mead", options={"xatol": 1e-4, "fatol": 1e-5}).x
    step = 0.02
    e = np.eye(2) * step
    hessian = [[(unlikely(found + a + b) - unlikely(found + a - b) - unlikely(found - a + b) + unlikely(found - a - b)) / (4 * step**2) for b in e] for a in e]
    errors = np.sqrt(np.diag(np.linalg.inv(hessian)))
    assert np.all(errors < 0.15) and np.all(np.abs(found - [LAW.sd, LAW.decay]) < 4 * errors)


def test_places_of_histories_of_the_law_are_uniform():
    places = below(LAW, OWN, drawn(LAW, np.random.default_rng(6), 4_000))
    for level in (0.5, 0.8, 0.95):
        error = math.sqrt(level * (1 - level) / places.size)
        assert np.mean(np.abs(places - 0.5) <= level / 2) == pytest.approx(level, abs=4 * error)


def rates(*rows):
    return [RunRate(entity, date.fromisoformat(day), value) for entity, day, value in rows]


STEADY = rates(("a", "2024-01-01", 1.0), ("a", "2024-07-01", 2.0), ("a", "2024-08-01", 2.5), ("a", "2025-01-01", 4.0), ("b", "2024-01-01", 1.0))


def test_half_years_need_a_run_rate_four_months_before_and_after():
    first, second = find_halves(STEADY)
    assert (first.entity, first.origin, first.target) == ("a", date(2024, 7, 1), date(2025, 1, 1))
    assert first.trailing == pytest.approx(math.log(2.0) / (182 / 365.25)) and first.moved == pytest.approx(math.log(2.0))
    assert second.origin == date(2024, 8, 1) and second.trailing == pytest.approx(math.log(2.5) / (213 / 365.25))


def test_half_years_that_overlap_weigh_as_much_as_their_time():
    halves = find_halves(STEADY)
    assert covered(halves) == pytest.approx(184 / 365.25)
    assert forecasts(halves).weight == pytest.approx(184 / (184 + 153))
    apart = [Half("a", date(2024, 1, 1), date(2024, 7, 1), 1, 0.5, 1), Half("a", date(2024, 9, 1), date(2025, 1, 1), 1, 0.33, 1)]
    assert covered(apart) == pytest.approx((182 + 122) / 365.25)


def test_growth_of_whole_years_and_around_the_opening():
    grown = rates(("a", "2023-10-31", 1.0), ("a", "2024-10-31", 3.0), ("a", "2025-10-31", 6.0))
    (first, second) = yearly_growth(grown)
    assert first == ("a", 1, pytest.approx(math.log(2.0), rel=2e-3)) and second == ("a", 2, pytest.approx(math.log(3.0), rel=4e-3))
    opening = opening_of("a", 0.5, grown, date(2025, 12, 31))
    assert opening.trailing == pytest.approx(math.log(2.0), rel=2e-3) and opening.growth0 == pytest.approx(opening.trailing - 0.5)
    assert opening.lately == pytest.approx(math.log(2.0), rel=2e-3)  # linear in logarithms within the year


def test_growth0_is_0_where_no_run_rate_is_fresh_or_a_year_old():
    stale = rates(("a", "2024-01-31", 1.0), ("a", "2025-05-31", 3.0))
    young = rates(("a", "2025-06-30", 1.0), ("a", "2025-12-31", 3.0))
    assert opening_of("a", 0.5, stale, date(2025, 12, 31)) == Opening("a", None, None, 0.5)
    assert opening_of("a", 0.5, young, date(2025, 12, 31)).trailing is None
    assert opening_of("c", 0.5, young, date(2025, 12, 31)).growth0 == 0.0


def test_the_dispersion_of_a_year_is_that_of_opening_growth_and_own_shocks():
    sd = opening_sd(0.7, 1.5, OWN)
    assert (gain(1.5, 1.0) * sd) ** 2 + own_variance(OWN, 1.5, 1.0) == pytest.approx(0.49)
    assert opening_sd(0.1, 1.5, OWN) == 0.0  # own shocks are more than that


def test_the_decay_is_the_middle_where_the_likelihood_says_nothing_and_the_peak_where_it_says_all():
    flat = np.zeros((growth.SDS.size, growth.DECAYS.size))
    assert mean_decay(flat) == pytest.approx(1.75)
    flat[:, 4] = 60.0
    assert mean_decay(flat) == pytest.approx(1.5)


def halves_of(known):
    days = date(2024, 1, 1), date(2024, 7, 1)
    return [Half(f"firm{i}", *days, float(a), float(h), float(m)) for i, (a, h, m) in enumerate(zip(*known[:3], strict=True))]


def test_the_choice_is_the_edge_of_the_region_or_the_dispersion_of_years():
    """Independent half-years of the law: the largest dispersion not rejected lies on the 95 % contour; a small dispersion of years takes over."""
    halves = [half._replace(target=date(2024, 12, 31)) for half in halves_of(drawn(LAW, np.random.default_rng(7), 40))]
    wide = choose(halves, [("a", 1, 0.0), ("b", 1, 2.0), ("c", 1, 4.0)], OWN)
    assert wide.law.sd == wide.largest > wide.best.sd
    assert with_best_reference(wide.law, OWN, forecasts(halves))[1] == pytest.approx(wide.highest - growth.REJECTED, abs=1e-3)
    narrow = choose(halves, [("a", 1, 1.0), ("b", 1, 1.4), ("c", 1, 1.8)], OWN)
    assert narrow.law.sd == narrow.across < narrow.largest and narrow.law.decay == wide.law.decay
    assert choose(halves, [("a", 1, 1.0)], OWN) is None and choose([], [("a", 1, 1.0)] * 3, OWN) is None


def with_file(folder, name, head, *rows):
    small = copy_small(folder)
    (small.parent / name).write_text(head + "".join(f"{row}\n" for row in rows))
    return small


def with_rates(folder, *rows):
    return with_file(folder, "run_rates.csv", RATES_HEAD, *(row if row.count(",") > 3 else f"{row},USD bn/year,2026-01-31,test," for row in rows))


def test_the_command_prints_the_rows_of_figures(tmp_path, capsys):
    small = with_rates(tmp_path, *RATES)
    (small.parent / "guidance.csv").write_text(GUIDANCE_HEAD + "cloud,2025-09-30,6,8,7.7,USD bn,2025-07-31,2025-10-31,test,\n")
    assert exit_code(["growth", str(small)]) == 0
    out = capsys.readouterr().out
    found = growth.study_growth(small)
    (lab,) = found.openings
    assert lab.trailing == pytest.approx(math.log(11 / 5), rel=2e-3)
    sd, decay = found.choice.rounded
    assert f"| lab | {lab.growth0:.2f} | {sd:g} | {decay:g} |" in out and "| cloud, guidance | cloud | 1 | +0.095 |  | 0.095 |" in out
    assert found.without == {"lab": None} and np.isnan(found.places_without).all() and "| without lab | too few |" in out


def test_planned_growth_is_that_of_the_compiled_plan_over_a_year(tmp_path):
    from simulate.compile.scenario import compile_scenario

    small = with_rates(tmp_path, *RATES)
    plan = compile_scenario(load_scenario(small)).plans[0].external
    assert growth.study_growth(small).openings[0].planned == pytest.approx(math.log(plan[3] / 4.0))


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("lba,2025-06-30,1", r"run_rates.csv line 2 .*: entity 'lba' is no entity \(did you mean 'lab'\?\)"),
        ("banks,2025-06-30,1", "entity 'banks' is no entity"),
        ("lab,2025-06-30,1,USD bn,2025-07-01,test,", "unit 'USD bn' is not known.*it must be one of USD bn/year"),
        ("lab,2026-02-12,14", "2026-02-12 is after the opening 2025-12-31; what came later is an outcome"),
        ("lab,2025-12-31,9,USD bn/year,2026-05-20,test,", "known on 2026-05-20, after the information date 2026-02-28"),
        ("lab,2025-12-31,9,USD bn/year,2025-06-30,test,", "known on 2025-06-30, before its day 2025-12-31"),
        ("lab,2025-06-30,0", "value is 0; growth needs a run rate above 0"),
        ("lab,2025-06-30,-1", "value is negative"),
        ("lab,2025-06-30,nan", "value is nan; write a finite number"),
        ("lab,2025-06-31,1", "date is '2025-06-31', which is no date"),
        ("lab,,1", "date is blank; write it"),
        ("lab,2025-06-30,1,USD bn/year,,test,", "known_on is blank; write it"),
        ("lab,2025-06-30,1,USD bn/year,2025-07-01,,", "source is blank; write it"),
        ("lab,2025-06-30,1", "too few run rates: a dispersion needs 3 yearly growth rates"),
    ],
)
def test_what_is_wrong_with_a_run_rate_is_a_sentence(tmp_path, row, sentence):
    with pytest.raises(InputError, match=sentence):
        growth.study_growth(with_rates(tmp_path, row))


def test_what_is_wrong_with_the_file_is_a_sentence(tmp_path):
    with pytest.raises(InputError, match="has no run_rates.csv beside its tables"):
        growth.study_growth(SMALL)
    with pytest.raises(InputError, match="run_rates.csv holds no run rate"):
        growth.study_growth(with_rates(tmp_path / "a"))
    with pytest.raises(InputError, match="run_rates.csv line 3 .*: line 2 has the same entity and day"):
        growth.study_growth(with_rates(tmp_path / "b", "lab,2025-06-30,1", "lab,2025-06-30,2"))
    short = with_rates(tmp_path / "c", *RATES)
    with pytest.raises(InputError, match="no revenue process over a year"):
        growth.plans_of(load_scenario(short, {"run.steps": 3}))


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("lba,2025-06-30,1,2,2,USD bn,2025-05-01,2025-08-01,test,", "entity 'lba' is no entity"),
        ("lab,2025-06-30,1,2,2,USD mn,2025-05-01,2025-08-01,test,", "unit 'USD mn' is not known"),
        ("lab,2025-06-30,2,1,2,USD bn,2025-05-01,2025-08-01,test,", "low is 2 and high is 1; exchange them"),
        ("lab,2025-06-30,0,1,2,USD bn,2025-05-01,2025-08-01,test,", "low and outcome must be above 0"),
        ("lab,2026-03-31,1,2,2,USD bn,2026-02-01,2026-02-28,test,", "2026-03-31 is after the opening"),
        ("lab,2025-12-31,1,2,2,USD bn,2025-11-01,2026-05-01,test,", "after the information date 2026-02-28"),
        ("lab,2025-06-30,1,2,2,USD bn,2025-08-01,2025-08-01,test,", "guidance comes before it"),
        ("lab,2025-06-30,1,2,2,USD bn,2025-05-01,2025-08-01,,", "source is blank"),
    ],
)
def test_what_is_wrong_with_guidance_is_a_sentence(tmp_path, row, sentence):
    with pytest.raises(InputError, match=sentence):
        guidance.read_guidance(load_scenario(with_file(tmp_path, "guidance.csv", GUIDANCE_HEAD, row)))


def test_surprises_by_hand(tmp_path):
    rows = ("lab,2025-06-30,9,11,11,USD bn,2025-05-01,2025-08-01,test,", "lab,2025-09-30,9,11,10,USD bn,2025-08-01,2025-11-01,test,")
    (one,) = measure_surprises(load_scenario(with_file(tmp_path, "guidance.csv", GUIDANCE_HEAD, *rows)), [])
    up = math.log(1.1)
    assert one[:3] == ("lab, guidance", ("lab",), 2)
    assert one[3:] == pytest.approx((up / 2, up / math.sqrt(2), up / math.sqrt(2)))
    assert measure_surprises(load_scenario(SMALL), []) == []


def test_growth_is_carried_on_where_three_quarters_follow_each_other():
    quarters = rates(("a", "2024-02-15", 1.0), ("a", "2024-05-15", 2.0), ("a", "2024-08-15", 3.0), ("a", "2025-08-15", 9.0), ("a", "2025-11-15", 9.0))
    assert carried_on(quarters) == pytest.approx([math.log(3 / 2) - math.log(2)])
