"""Mutants that no test can kill, and why: (file, function, line before, line after, reason)."""

RESOLUTION, ACCOUNTING, FACTORS, LEGS = (f"simulate/kernels/{name}.py" for name in ("resolution", "accounting", "factors", "legs"))
EARNINGS, FUNDING, SPENDING, BARE, STEPS = (f"simulate/kernels/{name}.py" for name in ("earnings", "funding", "spending", "bare", "clearing"))
CLEARING = "simulate/clearing.py"

EDGE = "differs only where a draw equals a number of the model to the last of its 52 bits: once in 10^15 draws"

EXPLAINED: tuple[tuple[str, str, str, str, str], ...] = (
    (
        RESOLUTION,
        "wipe_out",
        "if h >= 0 and marks and s.entity[CUT, i, lane] > 0.0:",
        "if h >= 0 and marks and s.entity[CUT, i, lane] >= 0.0:",
        "called for rows whose CUT is not 0 only",
    ),
    (
        ACCOUNTING,
        "book_fleets",
        "for o in range(fleet.rows[OWNER_ENTITY].size):",
        "for o in range(fleet.rows[STRANDED_DEAL].size):",
        "both rows of one array have its width",
    ),
    (
        FACTORS,
        "draw_life",
        "life[lane] = values[k + 1] if u[lane] > cdf[k] else life[lane]",
        "life[lane] = values[k + 1] if u[lane] >= cdf[k] else life[lane]",
        EDGE,
    ),
    (FACTORS, "advance_regime", "stays = 1.0 if u[lane] >= p10 else 0.0", "stays = 1.0 if u[lane] > p10 else 0.0", EDGE),
    (
        FACTORS,
        "advance_power",
        "shots[lane] += size[lane] if (begin < time[lane]) & (time[lane] <= end) else 0.0",
        "shots[lane] += size[lane] if (begin <= time[lane]) & (time[lane] <= end) else 0.0",
        EDGE,
    ),
    (FACTORS, "advance_power", "share = 0.0 if share < 0.0 else share", "share = 0.0 if share <= 0.0 else share", "0 for 0"),
    (EARNINGS, "plan_capex", "continue", "pass", "skips rows without a plan, of which nothing is desired: a plan of 0 times whatever"),
    (
        LEGS,
        "value_collateral",
        "if legs.rows[SENIORITY, l] != 1 and legs.terms[LTV, l] <= 0.0:",
        "if legs.rows[SENIORITY, l] != 1 and legs.terms[LTV, l] < 0.0:",
        "collateral is valued that nobody reads: only secured legs and legs with a margin call do",
    ),
    (
        LEGS,
        "roll_balances",
        "if legs.terms[DELAY, l] > 0.0 or legs.terms[OUT0, l] > 0.0:",
        "if legs.terms[DELAY, l] >= 0.0 or legs.terms[OUT0, l] > 0.0:",
        "without delay and opening receivable, 0 is set to 0",
    ),
    (
        FUNDING,
        "settle",
        "had, got, failing = s.entity[CASH_IN, i, lane], s.entity[RECEIVED, i, lane], s.entity[FAILING, i, lane]",
        "had, got, failing = s.entity[CASH_IN, i, lane], s.entity[RECEIVED, i, lane], s.entity[ACTIVE, i, lane]",
        "the two differ for estates that distribute nothing only: no default cost, and nothing paid that would need a draw",
    ),
    (
        FUNDING,
        "pay_commitments",
        "owed, share, need = s.claims[0, 0], s.claims[0, 1], s.claims[0, 2] # free after clearing",
        "owed, share, need = s.claims[0, 0], s.claims[0, 1], s.claims[1, 2] # free after clearing",
        "another row of the same scratch",
    ),
    (SPENDING, "spend", "if s.flags[i] > 0:", "if s.flags[i] >= 0:", "adds 0 to those whom nothing reached"),
    (
        CLEARING,
        "build_problem",
        "entity=variables(rows.NOW_ENTITY, columns), owner=variables(rows.NOW_OWNER, 0), chips=variables(rows.NOW_CHIPS, 0, 2),",
        "entity=variables(rows.NOW_ENTITY, columns), owner=variables(rows.NOW_OWNER, 1), chips=variables(rows.NOW_CHIPS, 0, 2),",
        "the size of an array that clearing never reads",
    ),
    (
        CLEARING,
        "build_problem",
        "loss=np.zeros((0, 0, lanes)), deal_loss=np.zeros((0, lanes)),",
        "loss=np.zeros((0, 0, lanes)), deal_loss=np.zeros((1, lanes)),",
        "the size of an array that clearing never reads",
    ),
    (BARE, "clear_least", "find_active_estates(legs, layout, False, w, s)", "find_active_estates(legs, layout, True, w, s)", "nobody is dead in one period"),
    (STEPS, "find_active_estates", "if s.flags[i] > 0:", "if s.flags[i] >= 0:", "who is dead in no lane gets the zeros again that stand there"),
    (
        STEPS,
        "raise_calls",
        "continue",
        "pass",
        "who is skipped is called for nothing: no estate has cover left, who is solvent leaves nothing open, and for an estate that waits all was called before",
    ),
    (
        FACTORS,
        "draw_groups",
        "scale[g, lane] = scale[g, lane] if n >= threshold[g] else 0.0",
        "scale[g, lane] = scale[g, lane] if n > threshold[g] else 0.0",
        EDGE,
    ),
    (FACTORS, "draw_shots", "most = 0", "most = 1", "draws an arrival of size 0 where no lane has one"),
    (
        FUNDING,
        "find_liquidity",
        "if entities.terms[OUTSIDE, i] > 0.0:",
        "if entities.terms[OUTSIDE, i] >= 0.0:",
        "the rows inside are written a few lines below",
    ),
    (FUNDING, "pay_commitments", "if s.flags[i] > 0:", "if s.flags[i] >= 0:", "adds 0 to those whom nothing reached"),
    (LEGS, "fall_due", "if layout.draws[l] > 0:", "if layout.draws[l] >= 0:", "legs without draws draw 0"),
    (LEGS, "roll_balances", "if layout.draws[l] > 0:", "if layout.draws[l] >= 0:", "legs without draws draw 0"),
    (
        LEGS,
        "find_disturbed",
        "found += 1 if alive[lane] == 0.0 or restructured[lane] > 0.0 else 0",
        "found -= 1 if alive[lane] == 0.0 or restructured[lane] > 0.0 else 0",
        "asked for only as 0 or not 0",
    ),
    (RESOLUTION, "decide", "continue", "pass", "nobody fails in a lane without trouble"),
    (
        RESOLUTION,
        "record_default",
        "if w.entity[DEFAULT_STEP, i, lane] < 0.0:",
        "if w.entity[DEFAULT_ROUND, i, lane] < 0.0:",
        "both are written together",
    ),
    (SPENDING, "spend", "if plan > 0.0 or o >= 0:", "if plan >= 0.0 or o >= 0:", "who plans nothing desires nothing: growth of 0"),
    (
        CLEARING,
        "read_lane",
        "converged = bool(problem.world.lane[rows.UNCONVERGED, lane] == 0.0 and residual <= LARGEST_RESIDUAL)",
        "converged = bool(problem.world.lane[rows.UNCONVERGED, lane] == 0.0 and residual < LARGEST_RESIDUAL)",
        "differs only where the residual is 1e-10 to the last bit",
    ),
)
