"""Vectorised exp and log.

Numba's wheels carry no vector library, so `math.exp` in a loop over lanes is a call for each lane (3.4 ns and more). These are
polynomials on the bits of the number: no branch, no table, no call, so that the loop becomes vector instructions, and every lane
gets the same bits whatever its neighbours are. Error below 1.5 units in the last place; 0, infinities, NaN and subnormal numbers
give what libm gives.

Letters: x is a float64 scalar or a contiguous lane array [W]; `out` may be `x` itself.
"""

import math

import numpy as np

from simulate.kernels.jit import kernel, part, small, stage

LOG2_E = 1.4426950408889634
# ln 2 in two parts: the high one has 21 trailing zero bits, so n * LN2_HIGH is exact for |n| <= 2^20 (Cody and Waite 1980).
LN2_HIGH = 6.93147180369123816490e-01
LN2_LOW = 1.90821492927058770002e-10
SHIFT = 6755399441055744.0  # 1.5 * 2^52: adding it rounds to an integer, which then stands in the low bits
SHIFT_BITS = 0x4338000000000000
HALF_ROOT_BITS = 0x3FE6A09E667F3BCD  # sqrt(1/2)
SMALLEST_NORMAL = 2.2250738585072014e-308
TWO_54 = 18014398509481984.0

LITTLE = 1e-10  # relative threshold: a smaller difference is rounding and must not decide a branch


@small
def exp_of(x):
    """exp(x): x = n ln 2 + r with |r| <= ln 2 / 2, Taylor to degree 13 (remainder below 4e-18), times 2^n."""
    held = -746.0 if x < -746.0 else x
    held = 710.0 if held > 710.0 else held
    shifted = held * LOG2_E + SHIFT
    n = shifted - SHIFT
    r = (held - n * LN2_HIGH) - n * LN2_LOW
    p = 1.6059043836821613e-10
    p = p * r + 2.08767569878681e-09
    p = p * r + 2.505210838544172e-08
    p = p * r + 2.755731922398589e-07
    p = p * r + 2.7557319223985893e-06
    p = p * r + 2.48015873015873e-05
    p = p * r + 0.0001984126984126984
    p = p * r + 0.001388888888888889
    p = p * r + 0.008333333333333333
    p = p * r + 0.041666666666666664
    p = p * r + 0.16666666666666666
    p = p * r + 0.5
    p = 1.0 + (r + (r * r) * p)
    # 2^n in two factors, so that overflow ends in infinity and underflow passes through the subnormal numbers.
    power = np.float64(shifted).view(np.int64) - SHIFT_BITS
    half = power >> 1
    first = np.int64((half + 1023) << 52).view(np.float64)
    second = np.int64((power - half + 1023) << 52).view(np.float64)
    value = (p * first) * second
    return value if x == x else x


@small
def log_of(x):
    """log(x): x = 2^k (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)); odd series in f/(2+f) with Remez coefficients (Ng 1993, fdlibm e_log.c)."""
    tiny = x < SMALLEST_NORMAL
    scaled = x * TWO_54 if tiny else x
    bits = np.float64(scaled).view(np.int64)
    power = (bits - HALF_ROOT_BITS) >> 52
    f = np.int64(bits - (power << 52)).view(np.float64) - 1.0
    k = np.int64(power + SHIFT_BITS).view(np.float64) - SHIFT
    k = k - 54.0 if tiny else k
    s = f / (2.0 + f)
    z = s * s
    p = 1.479819860511658591e-01
    p = p * z + 1.531383769920937332e-01
    p = p * z + 1.818357216161805012e-01
    p = p * z + 2.222219843214978396e-01
    p = p * z + 2.857142874366239149e-01
    p = p * z + 3.999999999940941908e-01
    p = p * z + 6.666666666666735130e-01
    half_square = 0.5 * f * f
    value = k * LN2_HIGH - ((half_square - (s * (half_square + p * z) + k * LN2_LOW)) - f)
    value = math.inf if x == math.inf else value
    value = -math.inf if x == 0.0 else value
    return value if x >= 0.0 else math.nan


@kernel
def exp_in_place(x):
    """x = exp(x), [W]. One array, so that the compiler needs no check of overlap before it vectorises."""
    for lane in range(x.size):
        x[lane] = exp_of(x[lane])


@kernel
def log_in_place(x):
    """x = log(x), [W]."""
    for lane in range(x.size):
        x[lane] = log_of(x[lane])


@kernel
def exp_lanes(x, out):
    """out = exp(x), both [W] contiguous; out may be x."""
    for lane in range(x.size):
        out[lane] = x[lane]
    exp_in_place(out)


@kernel
def log_lanes(x, out):
    """out = log(x), both [W] contiguous; out may be x."""
    for lane in range(x.size):
        out[lane] = x[lane]
    log_in_place(out)


@stage
def copy_row(source, target):
    """target = source, [W]. A loop: assignment between arrays may allocate, and kernels run without numba's allocator (jit.py)."""
    for lane in range(source.size):
        target[lane] = source[lane]


@part
def copy_rows(source, target):
    """target = source, [rows, W]."""
    for row in range(source.shape[0]):
        for lane in range(source.shape[1]):
            target[row, lane] = source[row, lane]
