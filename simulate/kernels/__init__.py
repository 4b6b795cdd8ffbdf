"""The closed numba stages, in the order of the step: jit, random, maths, factors, earnings, legs, funding, clearing, spending, resolution, valuation, accounting, tile."""
