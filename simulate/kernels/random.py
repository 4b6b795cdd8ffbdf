"""Random numbers as a pure function of (seed, name, path, step, draw): Philox4x32-10, then the inverse normal.

A counter-based generator has no state, so a path is the same path on any thread, in any block and after a resume, and adding a
draw leaves all others untouched (Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3").

Counter = (step, draw, path low, path high), key = two 32-bit halves of BLAKE2b("<seed>/<name>") (factors/keys.py). Of the four output words
two are used: u = ((x0 << 20 | x1 >> 12) + 1/2) 2^-52, which is never 0 or 1 and which float64 holds exactly. Normals are Wichura's AS241
(1988) of u, so that strata, Sobol points or weights can enter at the level of the uniform.

Letters: W lanes; lane l is path `first_path` + l, 64 bits wide. Words are uint64 with 32 significant bits: products need no wrap-around.
"""

import numpy as np

from simulate.kernels.jit import kernel, small
from simulate.kernels.maths import log_of

# NumPy integers: of a Python literal, numba compiles a copy of the callee for every value.
ONCE = np.int64(2**32 - 1)  # the "step" of a draw made once per path
FIRST_DRAW, SECOND_DRAW = np.int64(0), np.int64(1)

LOW_32 = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)
MULTIPLIER_0 = np.uint64(0xD2511F53)
MULTIPLIER_1 = np.uint64(0xCD9E8D57)
WEYL_0 = np.uint64(0x9E3779B9)  # golden ratio
WEYL_1 = np.uint64(0xBB67AE85)  # sqrt(3) - 1
SHIFT_20 = np.uint64(20)
SHIFT_12 = np.uint64(12)
ONE_BITS = np.uint64(0x3FF0000000000000)  # float64 1.0
HALF_STEP = 1.0 - 2.0**-53


@small
def mix(x0, x1, x2, x3, key0, key1):
    """Apply one round of Philox4x32."""
    product0 = MULTIPLIER_0 * x0
    product1 = MULTIPLIER_1 * x2
    return (
        (product1 >> HALF) ^ x1 ^ key0,
        product1 & LOW_32,
        (product0 >> HALF) ^ x3 ^ key1,
        product0 & LOW_32,
    )


@small
def philox(x0, x1, x2, x3, key0, key1):
    """Apply ten rounds to four counter words and two key words, all uint64 below 2^32. Written out, because a loop would not vectorise."""
    x0, x1, x2, x3 = mix(x0, x1, x2, x3, key0, key1)
    key0, key1 = (key0 + WEYL_0) & LOW_32, (key1 + WEYL_1) & LOW_32
    x0, x1, x2, x3 = mix(x0, x1, x2, x3, key0, key1)
    key0, key1 = (key0 + WEYL_0) & LOW_32, (key1 + WEYL_1) & LOW_32
    x0, x1, x2, x3 = mix(x0, x1, x2, x3, key0, key1)
    key0, key1 = (key0 + WEYL_0) & LOW_32, (key1 + WEYL_1) & LOW_32
    x0, x1, x2, x3 = mix(x0, x1, x2, x3, key0, key1)
    key0, key1 = (key0 + WEYL_0) & LOW_32, (key1 + WEYL_1) & LOW_32
    x0, x1, x2, x3 = mix(x0, x1, x2, x3, key0, key1)
    key0, key1 = (key0 + WEYL_0) & LOW_32, (key1 + WEYL_1) & LOW_32
    x0, x1, x2, x3 = mix(x0, x1, x2, x3, key0, key1)
    key0, key1 = (key0 + WEYL_0) & LOW_32, (key1 + WEYL_1) & LOW_32
    x0, x1, x2, x3 = mix(x0, x1, x2, x3, key0, key1)
    key0, key1 = (key0 + WEYL_0) & LOW_32, (key1 + WEYL_1) & LOW_32
    x0, x1, x2, x3 = mix(x0, x1, x2, x3, key0, key1)
    key0, key1 = (key0 + WEYL_0) & LOW_32, (key1 + WEYL_1) & LOW_32
    x0, x1, x2, x3 = mix(x0, x1, x2, x3, key0, key1)
    key0, key1 = (key0 + WEYL_0) & LOW_32, (key1 + WEYL_1) & LOW_32
    return mix(x0, x1, x2, x3, key0, key1)


@small
def uniform_of(path, step, draw, key0, key1):
    """Uniform in (0, 1) of one path (uint64)."""
    x0, x1, _, _ = philox(step, draw, path & LOW_32, path >> HALF, key0, key1)
    # The 52 bits become the fraction of a number in [1, 2): exact, and without a conversion that only some machines vectorise.
    return np.uint64((x0 << SHIFT_20) | (x1 >> SHIFT_12) | ONE_BITS).view(np.float64) - HALF_STEP


@small
def central_normal_of(u):
    """AS241 (Wichura 1988, PPND16) for |u - 1/2| <= 0.425; anything finite elsewhere."""
    q = u - 0.5
    r = 0.180625 - q * q
    above = 2509.0809287301226727
    above = above * r + 33430.575583588128105
    above = above * r + 67265.770927008700853
    above = above * r + 45921.953931549871457
    above = above * r + 13731.693765509461125
    above = above * r + 1971.5909503065514427
    above = above * r + 133.14166789178437745
    above = above * r + 3.387132872796366608
    below = 5226.495278852545925
    below = below * r + 28729.085735721942674
    below = below * r + 39307.89580009271061
    below = below * r + 21213.794301586595867
    below = below * r + 5394.1960214247511077
    below = below * r + 687.1870074920579083
    below = below * r + 42.313330701600911252
    below = below * r + 1.0
    return q * above / below


@small
def tail_normal_of(u):
    """AS241 for the tails: a function of r = sqrt(-log of the smaller side), in two ranges that meet at r = 5."""
    upper = u > 0.5
    r = np.sqrt(-log_of(1.0 - u if upper else u))  # 1 - u is exact: u is a multiple of 2^-53
    far = r > 5.0
    r = r - 5.0 if far else r - 1.6
    above = 2.01033439929228813265e-7 if far else 7.7454501427834140764e-4
    above = above * r + (2.71155556874348757815e-5 if far else 0.0227238449892691845833)
    above = above * r + (0.0012426609473880784386 if far else 0.24178072517745061177)
    above = above * r + (0.026532189526576123093 if far else 1.27045825245236838258)
    above = above * r + (0.29656057182850489123 if far else 3.64784832476320460504)
    above = above * r + (1.7848265399172913358 if far else 5.7694972214606914055)
    above = above * r + (5.4637849111641143699 if far else 4.6303378461565452959)
    above = above * r + (6.6579046435011037772 if far else 1.42343711074968357734)
    below = 2.04426310338993978564e-15 if far else 1.05075007164441684324e-9
    below = below * r + (1.4215117583164458887e-7 if far else 5.475938084995344946e-4)
    below = below * r + (1.8463183175100546818e-5 if far else 0.0151986665636164571966)
    below = below * r + (7.868691311456132591e-4 if far else 0.14810397642748007459)
    below = below * r + (0.0148753612908506148525 if far else 0.68976733498510000455)
    below = below * r + (0.13692988092273580531 if far else 1.6763848301838038494)
    below = below * r + (0.59983220655588793769 if far else 2.05319162663775882187)
    below = below * r + 1.0
    return (above if upper else -above) / below


@kernel
def fill_uniform(key, step, draw, first_path, out):
    """out[l] = uniform in (0, 1) of path first_path + l; key [2] uint32, out [W]."""
    key0 = np.uint64(key[0])
    key1 = np.uint64(key[1])
    x0 = np.uint64(step)
    x1 = np.uint64(draw)
    first = np.uint64(first_path)
    for lane in range(out.size):
        out[lane] = uniform_of(first + np.uint64(lane), x0, x1, key0, key1)


@kernel
def turn_normal(out, lanes, tails):
    """Turn the uniforms in out [N] into standard normals, in place; lanes [N] int64 and tails [N] float64 are scratch.

    15 % of the draws lie in a tail, which costs three times the centre: they are packed, computed as vectors of their own and put
    back (2.8 against 4.4 ns with both computed everywhere; Philox itself takes 2.3 on the same core). A lane's bits do not depend on where it was packed.
    """
    count = 0
    for lane in range(out.size):
        u = out[lane]
        lanes[count] = lane
        tails[count] = u
        count += 1 if abs(u - 0.5) > 0.425 else 0
    for lane in range(out.size):
        out[lane] = central_normal_of(out[lane])
    for k in range(count):
        tails[k] = tail_normal_of(tails[k])
    for k in range(count):
        out[lanes[k]] = tails[k]


@kernel
def fill_normal(key, step, draw, first_path, out):
    """out[l] = standard normal of path first_path + l; key [2] uint32, out [W]. For many rows at once `turn_normal` is faster."""
    fill_uniform(key, step, draw, first_path, out)
    for lane in range(out.size):
        u = out[lane]
        out[lane] = tail_normal_of(u) if abs(u - 0.5) > 0.425 else central_normal_of(u)


@kernel
def philox_words(counter, key, out):
    """Compute the four output words of one counter, for the published vectors: counter [4], key [2], out [4], all uint32."""
    words = philox(np.uint64(counter[0]), np.uint64(counter[1]), np.uint64(counter[2]), np.uint64(counter[3]), np.uint64(key[0]), np.uint64(key[1]))
    for k in range(4):
        out[k] = np.uint32(words[k])
