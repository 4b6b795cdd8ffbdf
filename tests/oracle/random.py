"""Section 1 of docs/model.md in plain Python: random numbers by their counters."""

import hashlib
import math

ONCE_A_PATH = 2**32 - 1  # value of the counter's step for draws made once a path


def key_of(seed, name):
    """(low, high) 32-bit halves of the first 8 bytes, little endian, of BLAKE2b("<seed>/<name>", digest 8)."""
    word = int.from_bytes(hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=8).digest(), "little")
    return word & 0xFFFFFFFF, word >> 32


def philox(counter, key):
    """Philox4x32-10 (Salmon et al. 2011): four 32-bit words of (counter of 4 words, key of 2 words)."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        product0, product1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (
            (product1 >> 32) ^ c1 ^ k0,
            product1 & 0xFFFFFFFF,
            (product0 >> 32) ^ c3 ^ k1,
            product0 & 0xFFFFFFFF,
        )
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return c0, c1, c2, c3


def uniform(key, path, step, draw):
    """u = ((x0 << 20 | x1 >> 12) + 0.5) 2^-52 of the counter (step, draw, path low, path high)."""
    x0, x1, _, _ = philox((step, draw, path & 0xFFFFFFFF, path >> 32), key)
    return ((x0 << 20 | x1 >> 12) + 0.5) * 2.0**-52


# Wichura (1988), AS241, PPND16: numerators and denominators, constant term first.
CENTRE = (
    (3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
     4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3),
    (1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
     2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3),
)  # fmt: skip
TAIL = (
    (1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
     1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4),
    (1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
     1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9),
)  # fmt: skip
FAR_TAIL = (
    (6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1,
     2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7),
    (1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
     7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15),
)  # fmt: skip


def ratio_of_polynomials(coefficients, x):
    above, below = (sum(c * x**power for power, c in enumerate(row)) for row in coefficients)
    return above / below


def normal_quantile(u):
    q = u - 0.5
    if abs(q) <= 0.425:
        return q * ratio_of_polynomials(CENTRE, 0.180625 - q * q)
    r = math.sqrt(-math.log(min(u, 1.0 - u)))
    size = ratio_of_polynomials(TAIL, r - 1.6) if r <= 5.0 else ratio_of_polynomials(FAR_TAIL, r - 5.0)
    return math.copysign(size, q)


def normal(key, path, step, draw):
    return normal_quantile(uniform(key, path, step, draw))
