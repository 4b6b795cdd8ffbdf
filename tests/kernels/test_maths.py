"""exp and log against libm, at the edges, in place, and lane by lane."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulate.kernels.maths import exp_lanes, log_lanes

pytestmark = pytest.mark.nojit

GENERATOR = np.random.default_rng(20251231)


def apply(function, x):
    x = np.array(x, float)
    out = np.full_like(x, 99.0)
    with np.errstate(all="ignore"):  # only with the JIT off does NumPy see the overflows, and they are meant
        function(x, out)
    return out


def ulps(got, wanted):
    """Distance in units in the last place of the wanted number."""
    return np.abs(got - wanted) / np.spacing(np.abs(wanted))


def test_exp_is_within_two_units_of_libm():
    x = np.concatenate([GENERATOR.normal(size=20_000) * scale for scale in (1e-9, 1e-3, 1.0, 30.0)] + [np.linspace(-708, 709, 20_001)])
    wanted = np.array([math.exp(value) for value in x])
    assert ulps(apply(exp_lanes, x), wanted).max() <= 2.0


def test_log_is_within_two_units_of_libm():
    x = np.concatenate(
        [1.0 + GENERATOR.uniform(-0.3, 0.4, size=20_000), np.exp(GENERATOR.uniform(-700, 700, size=40_000)), 1 + np.ldexp(1.0, -np.arange(1, 53))]
    )
    wanted = np.array([math.log(value) for value in x])
    assert ulps(apply(log_lanes, x), wanted).max() <= 2.0


@pytest.mark.parametrize(
    ("x", "wanted"),
    [(0.0, 1.0), (-0.0, 1.0), (math.inf, math.inf), (-math.inf, 0.0), (1e300, math.inf), (-1e300, 0.0), (709.79, math.inf), (-745.14, 0.0), (-745.13, 5e-324)],
)
def test_exp_at_the_edges(x, wanted):
    assert apply(exp_lanes, [x])[0] == wanted


@pytest.mark.parametrize(("x", "wanted"), [(1.0, 0.0), (0.0, -math.inf), (-0.0, -math.inf), (math.inf, math.inf)])
def test_log_at_the_edges(x, wanted):
    assert apply(log_lanes, [x])[0] == wanted


def test_nan_stays_nan_and_negative_has_no_logarithm():
    assert np.isnan(apply(exp_lanes, [math.nan])[0])
    assert np.isnan(apply(log_lanes, [math.nan, -1.0, -math.inf, -5e-324])).all()


def test_subnormal_numbers_keep_their_value():
    x = np.array([5e-324, 1e-310, 2.2250738585072e-308])
    np.testing.assert_allclose(apply(log_lanes, x), [math.log(value) for value in x], rtol=1e-15)
    deep = np.array([-740.0, -720.5, -709.0])
    assert np.abs(apply(exp_lanes, deep) - [math.exp(value) for value in deep]).max() <= 5e-324


@pytest.mark.parametrize("function", [exp_lanes, log_lanes])
@pytest.mark.parametrize("lanes", [1, 7, 8, 64, 67])
def test_in_place_and_any_width_give_the_same_bits(function, lanes):
    x = GENERATOR.uniform(0.01, 20.0, size=67)
    whole = apply(function, x)
    here = x[:lanes].copy()
    function(here, here)
    assert here.tobytes() == whole[:lanes].tobytes()
    singly = np.concatenate([apply(function, [value]) for value in x])
    assert singly.tobytes() == whole.tobytes()


@settings(deadline=None, derandomize=True)  # the first call compiles
@given(st.floats(-700, 700))
def test_log_undoes_exp(x):
    back = apply(log_lanes, apply(exp_lanes, [x]))[0]
    assert abs(back - x) <= 4e-16 * max(1.0, abs(x))
