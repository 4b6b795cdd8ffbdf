"""Mutants that no test can kill, and why."""

from typing import NamedTuple


class Explained(NamedTuple):
    """A mutant by its content, and why it computes the same; copy: which of equal changes of equal lines of the function."""

    file: str
    function: str
    before: str
    after: str
    reason: str
    copy: int = 0


def step(stage: str) -> str:
    return f"simulate/step/{stage}.py"


def factor(name: str) -> str:
    return f"simulate/factors/{name}.py"


CLEARING = "simulate/clearing.py"

EDGE = "differs only where a draw equals a number of the model to the last of its 52 bits: once in 10^15 draws"
NEVER_READ = "clearing never reads it"

EXPLAINED = (
    Explained(
        factor("execution"),
        "draw",
        "scale[g, lane] = scale[g, lane] if n >= threshold else 0.0",
        "scale[g, lane] = scale[g, lane] if n > threshold else 0.0",
        EDGE,
    ),
    Explained(
        factor("life"),
        "draw",
        "life[lane] = p.values[k + 1] if u[lane] > p.cdf[k] else life[lane]",
        "life[lane] = p.values[k + 1] if u[lane] >= p.cdf[k] else life[lane]",
        EDGE,
    ),
    Explained(
        factor("power_gap"),
        "begin",
        "time[lane] = wait / p.shot_rate if p.shot_rate > 0.0 else math.inf",
        "time[lane] = wait / p.shot_rate if p.shot_rate >= 0.0 else math.inf",
        "what is divided by 0 is infinite too",
    ),
    Explained(factor("regime"), "advance", "stays = 1.0 if u[lane] >= p.p10 else 0.0", "stays = 1.0 if u[lane] > p.p10 else 0.0", EDGE),
    Explained(factor("power_gap"), "add_shots", "while time[lane] <= end:", "while time[lane] < end:", EDGE),
    Explained(factor("power_gap"), "advance", "share = 0.0 if share < 0.0 else share", "share = 0.0 if share <= 0.0 else share", "0 for 0"),
    Explained(factor("revenue"), "begin", "if p.draws_opening[j] > 0.0:", "if p.draws_opening[j] >= 0.0:", "makes draws that no process reads"),
    Explained(factor("revenue"), "draw", "if k == 0 or p.growth_sd[i] > 0.0:", "if k == 0 or p.growth_sd[i] >= 0.0:", "makes draws that nobody reads"),
    Explained(
        factor("revenue"),
        "advance",
        "if p.growth_sd[i] > 0.0 or p.opening_sd[i] > 0.0 or p.opening_growth[i] != 0.0:",
        "if p.growth_sd[i] >= 0.0 or p.opening_sd[i] > 0.0 or p.opening_growth[i] != 0.0:",
        "a growth rate without risk begins at 0 and its draws are 0: it stays there and moves nothing",
    ),
    Explained(
        step("settlement"),
        "transfer_tranche",
        "lives = max(net.entities.outside[j], w.alive[j, lane] * (1.0 - s.failing[j, lane]))",
        "lives = max(net.entities.outside[j], w.alive[j, lane] * (1.0 - s.active[j, lane]))",
        "who lives and is cleared by the waterfall fails now",
    ),
    Explained(
        step("capacity"),
        "fill_cost_sum",
        "high = history[k + 1] if part > 0.0 else history[k]",
        "high = history[k + 1] if part >= 0.0 else history[k]",
        "a part of 0 takes nothing of the next step",
    ),
    Explained(step("dues"), "plan_capex", "continue", "pass", "skips rows without a plan, of which nothing is desired: a plan of 0 times whatever"),
    Explained(
        step("dues"),
        "value_collateral",
        "if legs.seniority[l] != SECURED and legs.ltv[l] <= 0.0:",
        "if legs.seniority[l] != SECURED and legs.ltv[l] < 0.0:",
        "collateral is valued that nobody reads: only secured legs and legs with a margin call do",
    ),
    Explained(
        step("dues"),
        "find_disturbed",
        "found += 1 if alive[lane] == 0.0 or restructured[lane] > 0.0 else 0",
        "found -= 1 if alive[lane] == 0.0 or restructured[lane] > 0.0 else 0",
        "asked for only as 0 or not 0",
    ),
    Explained(step("dues"), "fall_due_of_balance", "if net.lists.draws[l] > 0:", "if net.lists.draws[l] >= 0:", "legs without draws draw 0"),
    Explained(step("dues"), "roll_balances", "if net.lists.draws[l] > 0:", "if net.lists.draws[l] >= 0:", "legs without draws draw 0"),
    Explained(
        step("dues"),
        "roll_receivables",
        "if legs.delay[l] > 0.0 or legs.receivable0[l] > 0.0:",
        "if legs.delay[l] >= 0.0 or legs.receivable0[l] > 0.0:",
        "without delay and opening receivable, 0 is set to 0",
    ),
    Explained(
        step("funding"),
        "find_liquidity",
        "if entities.outside[i] > 0.0:",
        "if entities.outside[i] >= 0.0:",
        "what the inside gets from outside is written anew a few lines below",
    ),
    Explained(
        step("clearing"),
        "find_active_estates",
        "if s.dead[i] > 0:",
        "if s.dead[i] >= 0:",
        "who is dead in no lane gets the zeros again that stand there",
    ),
    Explained(
        step("guarantees"),
        "move_calls",
        "continue",
        "pass",
        "who is skipped is called for nothing: no estate has cover left, and who is solvent leaves nothing open",
    ),
    Explained(
        step("settlement"),
        "settle",
        "had, got, failing = s.cash_in[i, lane], s.received[i, lane], s.failing[i, lane]",
        "had, got, failing = s.cash_in[i, lane], s.received[i, lane], s.active[i, lane]",
        "the two differ for estates that distribute nothing only: no default cost, and nothing paid that would need a draw",
    ),
    Explained(
        step("settlement"),
        "pay_commitments",
        "tranches += 1 if legs.sched[l, now.t] != 0.0 else 0",
        "tranches += 1 if legs.sched[l, now.t] != 0.0 else 1",
        "pays tranches of 0 where none falls due",
    ),
    Explained(
        step("settlement"),
        "pay_commitments",
        "s.flags[:] = 0 # 1: tranches of the entity, or of the insurer, arrive",
        "s.flags[:] = 1 # 1: tranches of the entity, or of the insurer, arrive",
        "adds 0 to those whom nothing reached",
    ),
    Explained(
        step("settlement"),
        "issue_shares",
        "raised += 1 if total[lane] > 0.0 else 0",
        "raised += 1 if total[lane] >= 0.0 else 0",
        "lanes where nothing is raised are left out below as well",
    ),
    Explained(step("settlement"), "receive_arrived", "if s.flags[i] > 0:", "if s.flags[i] >= 0:", "adds 0 to those whom nothing reached"),
    Explained(
        step("spending"),
        "spend",
        "invests = net.entities.capex_plan[i, now.t] > 0.0 or net.entities.owner[i] >= 0",
        "invests = net.entities.capex_plan[i, now.t] >= 0.0 or net.entities.owner[i] >= 0",
        "who plans nothing desires nothing: growth of 0, executed in full",
    ),
    Explained(
        step("resolution"),
        "choose",
        "haircut = 1.0 - rules.restructure_kappa * concern / claims if claims > 0.0 else LEAST_HAIRCUT",
        "haircut = 1.0 - rules.restructure_kappa * concern / claims if claims >= 0.0 else LEAST_HAIRCUT",
        "who fails owes something, and what falls due is part of the claims",
    ),
    Explained(step("resolution"), "decide", "continue", "pass", "nobody fails in a lane without trouble"),
    Explained(
        step("resolution"),
        "record_default",
        "if w.default_step[i, lane] < 0.0:",
        "if w.default_round[i, lane] < 0.0:",
        "both are written together",
    ),
    Explained(
        step("resolution"),
        "wipe_out",
        "if h >= 0 and now.marks and s.outcome[i, lane] > 0.0:",
        "if h >= 0 and now.marks and s.outcome[i, lane] >= 0.0:",
        "called only where the outcome is not 0",
    ),
    Explained(
        CLEARING,
        "build_problem",
        "(world,) = split_worlds(new_worlds(1, entities=columns, owners=0, grid=grid, legs=positions[0].size, holdings=0, lanes=lanes))",
        "(world,) = split_worlds(new_worlds(1, entities=columns, owners=1, grid=grid, legs=positions[0].size, holdings=0, lanes=lanes))",
        NEVER_READ,
    ),
    Explained(
        CLEARING,
        "build_problem",
        "grid = Grid(steps=1, dt=1.0, entities=columns, insurer=-1, outside_investor=-1, deals=0)",
        "grid = Grid(steps=1, dt=1.0, entities=columns, insurer=-1, outside_investor=-1, deals=1)",
        NEVER_READ,
    ),
    Explained(
        CLEARING,
        "build_problem",
        "(world,) = split_worlds(new_worlds(1, entities=columns, owners=0, grid=grid, legs=positions[0].size, holdings=0, lanes=lanes))",
        "(world,) = split_worlds(new_worlds(1, entities=columns, owners=0, grid=grid, legs=positions[1].size, holdings=0, lanes=lanes))",
        "classes, payers and payees have one length",
    ),
    Explained(
        CLEARING,
        "build_rules",
        "return PackedRules(freeze_array(terms), max_restructurings=0, equity_sweeps=0, max_iterations=MAX_ITERATIONS)",
        "return PackedRules(freeze_array(terms), max_restructurings=0, equity_sweeps=1, max_iterations=MAX_ITERATIONS)",
        NEVER_READ,
    ),
    Explained(
        CLEARING,
        "build_lists",
        'lists = {"leg_of_payer": order, "inside": np.arange(n), "rank": classes, "outside_of": np.full(columns, -1), "draws": np.zeros_like(payers)}',
        'lists = {"leg_of_payer": order, "inside": np.arange(n), "rank": classes, "outside_of": np.full(columns, -0), "draws": np.zeros_like(payers)}',
        NEVER_READ,
    ),
    Explained(
        CLEARING,
        "read_lane",
        "converged = bool(problem.world.unconverged[lane] == 0.0 and residual <= LARGEST_RESIDUAL)",
        "converged = bool(problem.world.unconverged[lane] == 0.0 and residual < LARGEST_RESIDUAL)",
        "differs only where the residual is 1e-10 to the last bit",
    ),
)
