"""Where a parameter stands in the equations of docs/model.md: names of `simulate.model`, with the letter of the page where it has one."""

SECTIONS = {
    "run": {
        "start": "t = 0",
        "steps": "T, `steps`",
        "step": "`dt`",
        "paths": "lanes",
        "seed": "seed of the keys (section 1)",
        "discount": "`discount`",
        "information_date": "none: what the tables may know",
    },
    "drivers": {"correlation": "`driver_cholesky`"},
    "worlds": {"off": "`world_switches`", "solution": "`world_least`", "detail": "`world_detail`"},
    "factors.regime": {"hazard_in": "`regime_p01`, `regime_p10`", "hazard_out": "`regime_p01`, `regime_p10`"},
    "factors.short_rate": {
        "process": "`rate_cir`",
        "start": "`rate0`",
        "mean": "θ_r: `rate_theta`",
        "reversion": "κ_r: `rate_decay`, `rate_int_gain`",
        "volatility": "σ_r, b_r1, b_r2: `rate_sd`, `rate_int_c1`, `rate_int_c2`; `rate_cir`",
        "shift": "in `rate0` and `rate_theta`",
    },
    "factors.spread": {"reversion": "`spread_decay`", "volatility": "`spread_sd`, `spread_var`"},
    "factors.valuation": {
        "reversion": "`val_decay`",
        "volatility": "`val_sd`, `val_var`",
        "disappointment_shift": "`val_shift`",
        "rate_duration": "`val_rate_duration`",
    },
    "factors.power_gap": {
        "plan": "`gap_plan`",
        "scale": "`gap_plan`",
        "volatility": "`gap_sd`",
        "reversion": "`gap_decay`",
        "shots_per_year": "`shot_cdf`",
        "shot_mean": "`shot_mean`",
        "shot_decay": "`shot_decay`",
    },
    "factors.delivery": {
        "low": "δ_i: `delivery_table`",
        "mode": "δ_i: `delivery_table`",
        "high": "δ_i: `delivery_table`",
        "correlation": "`delivery_rho`",
        "fixed": "δ_i: `delivery_table`",
    },
    "factors.revenue": {"volatility_scale": "`rev_sd`, `rev_var`, `rev_m_sd`", "regime_scale": "`rev_shift`"},
    "factors.confidence": {"memory_years": "`conf_lambda`"},
    "factors.rental": {
        "volatility": "`rent_sd`, `rent_var`",
        "reversion": "a_π: `rent_decay`",
        "table": "`rent_mean`",
        "obsolescence": "`rent_mean`",
        "demand_pull": "`rent_pull`",
    },
    "factors.life": {"values": "L: `life_values`", "weights": "`life_cdf`"},
    "factors.execution": {
        "correlation": "`exec_rho`",
        "probability": "`exec_threshold`",
        "size_low": "`size_low`",
        "size_high": "`size_high`",
    },
    "rules": {
        "alpha": "α: `alpha`",
        "beta": "β: `beta`",
        "forced_sale_haircut": "`d0`",
        "transfer": "`transfer`",
        "smoothing_years": "`smoothing`",
        "race_theta": "`race_theta`",
        "capex_max": "`capex_max`",
        "restructure_kappa": "`restructure_kappa`",
        "max_restructurings": "`max_restructurings`",
    },
    "rules.door": {"confidence": "`k_shut`", "confidence_width": "`k_width`", "valuation": "`v_shut`", "valuation_width": "`v_width`"},
    "rules.confidence_shock": {"size": "`shock_size`", "decay_years": "`shock_decay`"},
}

FIGURES = {
    "cash": "`cash0`",
    "min_cash": "`min_cash`, in `cash_target`",
    "credit_line": "`line0`",
    "equity_value": "`equity0`; solves `mult0` or `core0`",
    "reported_debt": "`bal0` of the debt leg",
    "outside_cost": "`cost0` of outside holders",
    "debt_rate": "`rate_fixed` of the debt leg",
    "debt_float": "`rate_float` of the debt leg",
    "debt_margin": "`rate_spread` of the debt leg",
    "debt_tenor": "`amort` of the new-debt leg",
    "new_debt_margin": "`rate_spread` of the new-debt leg",
    "debt_principal": "`amort` of the debt leg",
    "opening_revenue": "P_i0: `rev_plan0`",
    "process_loading": "`rev_loading`",
    "process_sd0": "`rev_sd`, `rev_var`",
    "process_sd1": "`rev_sd`, `rev_var`",
    "process_sd_tau": "`rev_sd`, `rev_var`",
    "growth_sd": "b_m1, b_m2, b_m3: `rev_m_sd`, `rev_int_c1`, `rev_int_c2`",
    "growth_decay": "`rev_decay`, `rev_gain`",
    "regime_shift": "`rev_shift`",
    "ai_share": "ai_i: `ai_share`",
    "rental_share": "rent_i: `rental_share`",
    "capacity_share": "carried_i: `capacity_share`",
    "headroom": "`headroom`",
    "own_compute": "own_i: `supply_weight`",
    "plan_revenue": "P_i: `rev_plan`, `rev_ext`",
    "plan_fcf": "residual in `cost_fixed`",
    "plan_ocf": "residual in `rev_ext`",
    "cost_var": "`cost_var`",
    "ebitda_margin": "residual in `cost_fixed`",
    "cost_fixed_share": "`cost_fixed`, `cost_var`",
    "flex": "`flex`",
    "runway_years": "`runway_years`",
    "prefund_years": "`cash_target`",
    "cash_buffer": "`cash_target`",
    "payout": "`payout`",
    "payout_above": "`payout_above`",
    "insider": "`insider`",
    "fund_phi": "`fund_phi`, `fund_equity`",
    "fund_advance": "`fund_advance`",
    "fund_flat": "`fund_flat`",
    "fund_leverage": "`fund_leverage`",
    "fund_ltv": "`fund_ltv`",
    "committed": "`committed`",
    "follow": "`follow`",
    "power_follow": "`power_follow`",
    "kappa": "κ_i: `kappa`",
    "plan_capex": "`capex_plan`, `plan_gw`",
    "core_value": "`core0`",
    "core_beta": "`core_beta`",
    "core_haircut": "`core_haircut`",
    "core_on": "what is solved: `core0` or `mult0`",
    "mult_mature": "`mult_mature`",
    "mult_tau": "`mult_tau`",
    "fleet_cost": "F0: `fleet0`",
    "fleet_span": "`fleet_span`",
    "book_life": "Lb_o: `book_life`",
    "gw": "`gw0`",
    "power_exposure": "`power_exposure`",
    "cost_per_gw": "`cost_per_gw`",
    "chip_of_capex": "`chip_of_capex`",
    "replace_price": "`replace_price`",
}

ALL_KINDS = {"seniority": "q: `seniority`", "size_low": "`size_low` of the group", "size_high": "`size_high` of the group"}
DEBT = {
    "rate": "`rate_fixed`",
    "float_": "`rate_float`",
    "margin": "`rate_spread`",
    "fleet_share": "`coll_fleet`",
    "core_share": "`coll_core`",
}
LOAN = DEBT | {"secured": "q = 1: `seniority`", "subordinated": "q = 3: `seniority`"}
TERMS = {
    "loan": LOAN,
    "bond": LOAN,
    "gpu_loan": DEBT | {"ltv": "`ltv`", "stake_deal": "`coll_holding`", "stake_share": "`coll_stake`"},
    "compute_contract": {
        "follow": "`follow` of the leg",
        "relet": "`relet`",
        "saved": "`saved`",
        "damages": "`damages`",
        "haircut": "`haircut`",
        "days": "delay_l: `delay`",
        "host_delivers": "`host`",
        "supply": "`supply`, `supply_weight`",
        "critical": "q = 0: `seniority`",
        "revenue_share": "`driver`",
        "milestone_gw": "takes GW off purchases of the site group",
    },
    "hardware_purchase": {
        "margin": "`sched` of vendor and suppliers",
        "replaces": "`replaces`",
        "financed_share": "`draw` of the lessors' leg",
        "finance_years": "`amort` of the lessors' leg",
        "finance_rate": "`rate_fixed` of the lessors' leg",
        "gw": "`sched`, less what is rented",
    },
    "lease": {
        "days": "delay_l: `delay`",
        "ends_with_payee": "`ends_with_payee`",
        "damages": "`damages`",
        "follow": "`follow` of the leg",
        "haircut": "`haircut`",
    },
    "equity_commitment": {"stake0": "`stake0`", "cost0": "`cost0`", "gate_host": "`gate_owner`", "gate_gw": "`gate_gw`"},
    "equity_stake": {"share": "`stake0`", "cost": "`cost0`"},
    "guarantee": {"covers": "`covers`", "share": "`cover_share`", "cap": "`cover_cap`"},
}

# Names in code font in the equations that are no field of `simulate.model`.
STATE = set(
    """
    cash alive line equity holdings_value debt receipts ebitda executed burn restructured proceeds fresh paid_for_stakes
    built delivered unreplaced installed fleet fleet_sum
    balance balance_undisturbed receivable receivable_undisturbed receivable0 volume claim claim_credit paid_on_claim covered subrogated cover_left
    stake stake_cost shock lost_revenue
    delivered_share fleet_value revenue relet_receipts cost interest desired_capex committed_capex growth_capex cash_in can_raise room dues
    received_full received offsets failing active wave outside_out operating_in operating_out worth capex_paid core_value outcome
    worn worn_book gw_idle earned due due_undisturbed principal drawn collateral full pay uncovered_share claim_now credit_now cover called returned
    open due_in_all
    """.split()
)
OF_THE_STEP = set("regime rate discount spread valuation log_valuation gap ratio demand confidence rental".split())
RESULTS = set("loss system_loss mark_change".split())
WORDS = set("network alone insurer collateral contract credit equity stranded off solution detail".split())  # worlds, nodes, channels, keys of a world
