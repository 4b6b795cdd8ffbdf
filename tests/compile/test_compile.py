"""From a scenario to rows: reconciliation, opening values, weights, digest, and what contradicts itself."""

import re

import numpy as np
import pytest

from simulate.compile.opening import count_sweeps
from simulate.compile.scenario import compile_scenario
from simulate.errors import InputError
from simulate.model import BALANCE, CAPEX, COMMITMENT, GUARANTEE, OPEX, REVENUE_SHARE, SCHEDULED
from simulate.scenario.load import load_scenario
from tests.makers.small import SMALL, add, change, copy_small

TEST = "assumption: test"


@pytest.fixture(scope="module")
def small():
    return compile_scenario(load_scenario(SMALL), 7)


@pytest.fixture
def copied(tmp_path):
    return copy_small(tmp_path)


def row(compiled, name):
    return compiled.names.entities.index(name)


def leg(compiled, name):
    return compiled.names.legs.index(name)


def arrays(rows, prefix=""):
    """All arrays of nested NamedTuples with their names."""
    for name, value in zip(rows._fields, rows):
        if hasattr(value, "_fields"):
            yield from arrays(value, f"{prefix}{name}.")
        elif isinstance(value, np.ndarray):
            yield prefix + name, value


def by_year(amounts):
    return amounts.reshape(-1, 4).sum(axis=1)


def compile_faults(path) -> str:
    with pytest.raises(InputError) as caught:
        compile_scenario(load_scenario(path), 7)
    return str(caught.value)


# Shape of the model


def test_arrays_are_contiguous_read_only_and_of_two_types(small):
    for name, array in arrays(small.model):
        assert array.flags.c_contiguous and not array.flags.writeable, name
        assert array.dtype in (np.float64, np.int64) or (re.match(r"factors\.\w+\.key", name) and array.dtype == np.uint32), name


def test_rows_have_the_lengths_of_their_names(small):
    grid, names = small.model.grid, small.names
    assert (grid.entities, grid.deals, grid.steps, grid.dt) == (len(names.entities), len(names.deals), 20, 0.25)
    for part, count in ((small.model.entities, len(names.entities)), (small.model.legs, len(names.legs)), (small.model.fleet, 1)):
        assert {len(array) for _, array in arrays(part)} == {count}
    assert len(small.model.factors.execution.threshold) == len(names.groups) == 3
    assert len(small.model.factors.revenue.plan0) == len(names.processes) == 1
    assert names.entities[grid.insurer] == "insurer" == names.entities[-1] and names.entities[grid.outside_investor] == "outside_investors"
    assert small.outside == tuple(small.model.entities.outside.astype(bool)) and sum(not o for o in small.outside) == 4


def test_every_driver_is_there_and_names_point_at_rows(small):
    legs, names = small.model.legs, small.names
    assert set(legs.driver.tolist()) == {SCHEDULED, REVENUE_SHARE, CAPEX, OPEX, BALANCE, COMMITMENT, GUARANTEE}
    k = leg(small, "chip_loan")
    assert (names.entities[legs.payer[k]], names.entities[legs.payee[k]], names.deals[legs.deal[k]]) == ("cloud", "banks", "chip_loan")
    assert names.groups[legs.group[leg(small, "more_compute")]] == "expansion" and names.groups[legs.group[k]] == "sure"
    assert legs.covers[leg(small, "support")] == leg(small, "notes") and (np.delete(legs.covers, leg(small, "support")) == -1).all()
    holdings = small.model.holdings
    assert names.deals[holdings.deal[legs.buys_holding[leg(small, "tranches")]]] == "tranches"
    assert names.deals[holdings.deal[legs.coll_holding[leg(small, "margin_loan")]]] == "seed_stake"
    assert names.entities[small.model.fleet.entity[legs.gate_owner[leg(small, "tranches")]]] == "cloud"
    assert names.entities[legs.host[leg(small, "compute")]] == "cloud"


def test_labels_name_every_deal(small):
    assert tuple(small.deal_labels) == small.names.deals
    assert small.deal_labels["compute"] == ("compute_contract", "lab", "cloud", "capacity for training")
    assert small.deal_labels["seed_stake"][:3] == ("equity_stake", "lab", "holding")
    assert small.deal_labels["own:cloud"][:3] == ("own", "cloud", "cloud")
    assert {name.partition(":")[0] for name in small.names.deals if ":" in name} == {"opex", "debt", "new_debt", "capex", "own", "equity"}


# Reconciliation


def test_a_plan_of_free_cash_flow_is_met_when_everything_goes_to_plan(small):
    """Walk the rows of the lab at plan: receipts less all payments give its planned free cash flow, year by year."""
    entities, legs, lab = small.model.entities, small.model.legs, row(small, "lab")
    revenue = entities.rev_ext[lab]
    sure = legs.group == 0
    rows = np.flatnonzero(sure & (legs.payer == lab) & (legs.driver == SCHEDULED))
    late = legs.delay[rows, None] * legs.sched[rows]  # paid one step later
    assert late.any()
    paid = (legs.sched[rows] - late + np.hstack([legs.receivable0[rows, None], late[:, :-1]])).sum(axis=0)
    royalty = legs.sched[leg(small, "royalty")] * revenue
    k = leg(small, "servers:financed")
    balance, interest = 0.0, np.zeros(20)
    for t in range(20):
        interest[t] = balance * 0.25 * legs.rate_fixed[k]
        balance = balance * (1 - legs.amort[k, t]) + legs.draw[k, t]
    cost = entities.cost_fixed[lab] + entities.cost_var[lab] * revenue
    assert by_year(revenue) == pytest.approx([20, 40, 70, 100, 130])
    assert by_year(revenue - paid - royalty - interest - cost) == pytest.approx([-10, -15, -15, -5, 10])


def test_a_plan_of_operating_cash_flow_holds_the_margins_on_chips(small):
    """Vendor: external revenue + what the network brings - interest = planned operating cash flow."""
    entities, legs, vendor, cloud = small.model.entities, small.model.legs, row(small, "vendor"), row(small, "cloud")
    chips = legs.capex_share[leg(small, "capex:cloud:vendor")] * entities.capex_plan[cloud]
    servers = legs.sched[leg(small, "servers")]
    assert by_year(entities.rev_ext[vendor] + chips + servers) == pytest.approx(np.array([40, 50, 60, 65, 70]) + 5 * 0.04)
    assert (entities.cost_fixed[vendor] == 0).all() and entities.cost_var[vendor] == 0


def test_a_plan_of_margins_counts_contracts_as_revenue_and_rent_as_cost(small):
    entities, legs, cloud = small.model.entities, small.model.legs, row(small, "cloud")
    revenue = np.array([30, 42, 60, 80, 95.0])
    external = by_year(entities.rev_ext[cloud])
    assert external == pytest.approx(revenue - [7, 13, 20, 26, 28])
    cost = by_year(entities.cost_fixed[cloud]) + entities.cost_var[cloud] * external
    assert cost + by_year(legs.sched[leg(small, "halls")]) == pytest.approx(0.4 * revenue)
    fixed_share = by_year(entities.cost_fixed[cloud]) / cost
    assert fixed_share.min() == pytest.approx(0.6)  # never below the share given
    assert entities.ebitda_fwd[cloud, [0, 4, 8, 12, 16]] == pytest.approx(0.6 * revenue)


def test_the_reconciliation_table_adds_up(small):
    for line in small.reconciliation:
        assert line["residual"] == pytest.approx(line["reported"] - line["in_deals"]), line
    lines = {(line["entity"], line["line"], line["year"]): line for line in small.reconciliation}
    debt = lines["cloud", "debt", None]
    assert (debt["reported"], debt["in_deals"], debt["residual"]) == (40.0, 22.0, 18.0)
    assert small.model.legs.bal0[leg(small, "debt:cloud")] == 18.0
    assert "debt:holding" not in small.names.legs and lines["holding", "debt", None]["residual"] == 0.0
    assert lines["lab", "equity", None]["residual"] == pytest.approx(0.9)
    revenue = lines["cloud", "revenue", 2028]
    assert (revenue["reported"], revenue["in_deals"], revenue["residual"]) == pytest.approx((60.0, 20.0, 40.0))


def test_a_shift_of_the_short_rate_is_no_plan(small, copied):
    """Or the residuals would make up for the interest that it costs."""
    other = compile_scenario(load_scenario(copied, {"factors.short_rate.shift": 0.03}), 7)
    assert other.model.factors.short_rate.opening == pytest.approx(small.model.factors.short_rate.opening + 0.03)
    assert np.array_equal(other.model.entities.rev_ext, small.model.entities.rev_ext)
    assert np.array_equal(other.model.entities.cost_fixed, small.model.entities.cost_fixed)


def test_what_is_not_binding_is_in_no_plan(small, copied):
    change(copied, "schedules.csv", "more_compute,payment,2028,10,", "more_compute,payment,2028,11,")
    other = compile_scenario(load_scenario(copied), 7)
    assert np.array_equal(other.model.entities.rev_ext, small.model.entities.rev_ext)
    assert np.array_equal(other.model.entities.cost_fixed, small.model.entities.cost_fixed)
    assert other.digest != small.digest


@pytest.mark.parametrize(
    ("table", "old", "new", "words"),
    [
        (
            "figures.csv",
            "cloud,plan_revenue,2028,60,",
            "cloud,plan_revenue,2028,15,",
            ("'cloud': revenue of 2028", "reported 15 USD bn", "in its deals 20 USD bn", "residual is -5"),
        ),
        ("figures.csv", "lab,plan_fcf,2027,-15,", "lab,plan_fcf,2027,30,", ("'lab': cost and interest of 2027", "reported 10 USD bn", "in its deals 15.11")),
        ("figures.csv", "lab,cost_var,,0.2,", "lab,cost_var,,0.99,", ("'lab': variable cost of 2028", "lower cost_var")),
        (
            "figures.csv",
            "vendor,plan_ocf,2026,40,",
            "vendor,plan_ocf,2026,5,",
            ("'vendor': operating cash flow of 2026", "reported 5 USD bn", "in its deals 8.6"),
        ),
        (
            "figures.csv",
            "cloud,reported_debt,,40,",
            "cloud,reported_debt,,20,",
            ("'cloud': reported_debt is 20", "its deals owe 22 USD bn", "notes 8", "chip_loan 14"),
        ),
        ("figures.csv", "cloud,debt_principal,2026,1,", "cloud,debt_principal,2026,19,", ("'cloud': debt_principal adds up to 29", "18 USD bn")),
        ("figures.csv", "vendor,equity_value,,900,", "vendor,equity_value,,10,", ("'vendor': no multiple", "equity_value 10 - cash 30", "core_on")),
        ("figures.csv", "cloud,fleet_cost,,30,", "cloud,fleet_cost,,300,", ("'cloud': no multiple", "its fleet alone")),
        ("figures.csv", "holding,equity_value,,120,", "holding,equity_value,,20,", ("'holding': the core value", "negative", "stakes 30")),
        ("figures.csv", "lab,plan_revenue,2026,20,", "lab,plan_revenue,2026,0,", ("'lab'",)),
    ],
)
def test_figures_that_contradict_each_other_are_named(copied, table, old, new, words):
    change(copied, table, old, new)
    message = compile_faults(copied)
    assert all(word in message for word in words), message


# Opening


def test_the_opening_price_is_what_the_equity_equation_gives(small):
    """docs/model.md 4.9 at the opening: V = 1, z = receipts0, a fleet at its straight-line value over book life."""
    model = small.model
    entities, legs, holdings = model.entities, model.legs, model.holdings
    fleet = 30 * (1 - (2.5 - 2.5**2 / 5) / 6)  # bought evenly over 2.5 years, all younger than the life of 6
    for name in ("lab", "cloud", "holding", "vendor"):
        i = row(small, name)
        business = max(entities.mult0[i] * entities.receipts0[i] / 0.25, fleet if name == "cloud" else 0.0)
        debt = legs.bal0[legs.payer == i].sum()
        lent = legs.bal0[legs.payee == i].sum()
        stakes = sum(s * entities.equity0[j] for h, j, s in zip(holdings.holder, holdings.issuer, holdings.stake0) if h == i)
        assert entities.core0[i] + business + entities.cash0[i] + lent + stakes - debt == pytest.approx(entities.equity0[i])


def test_stakes_of_one_issuer_sum_to_one(small):
    holdings = small.model.holdings
    for issuer in set(holdings.issuer.tolist()):
        assert holdings.stake0[holdings.issuer == issuer].sum() == pytest.approx(1.0)
        k = holdings.outside_of[issuer]
        assert holdings.issuer[k] == issuer and holdings.holder[k] == small.model.grid.outside_investor
    assert (holdings.outside_of[np.array(small.outside)] == -1).all()


def test_receivables_are_outstanding_at_the_opening(small):
    legs, k = small.model.legs, leg(small, "compute")
    assert legs.delay[k] == pytest.approx(45 / (365 * 0.25))
    assert legs.receivable0[k] == pytest.approx(legs.delay[k] * legs.sched[k, 0])
    assert legs.receivable0[leg(small, "more_compute")] == 0.0


def test_terms_longer_than_a_step_are_refused(copied):
    with pytest.raises(InputError, match="deal compute: payment terms of 45 days reach beyond a step of 30.4 days"):
        compile_scenario(load_scenario(copied, ["run.step=month", "run.steps=60"]), 7)


# Rows of the step


def test_supply_weights_leave_own_compute(small):
    legs = small.model.legs
    weights = legs.supply_weight.sum(axis=0)
    assert weights == pytest.approx(np.full(20, 0.7))
    first, more = leg(small, "compute"), leg(small, "more_compute")
    t = 12
    assert legs.supply_weight[first, t] / legs.supply_weight[more, t] == pytest.approx(legs.sched[first, t] / legs.sched[more, t])


def test_what_nobody_in_the_network_delivers_is_delivered_in_full(copied):
    change(copied, "deals.csv", "more_compute,compute_contract,lab,cloud", "more_compute,compute_contract,lab,landlords")
    compiled = compile_scenario(load_scenario(copied), 7)
    legs, k = compiled.model.legs, leg(compiled, "more_compute")
    assert legs.host[k] == -1 and legs.follow[k] == 0.0 and legs.supply[k] == 1.0


def test_remaining_is_what_comes_after_the_step(small):
    legs, k = small.model.legs, leg(small, "compute")
    assert legs.remaining[k, 0] == pytest.approx(legs.sched[k, 1:].sum()) and legs.remaining[k, -1] == 0.0
    assert (legs.remaining[leg(small, "royalty")] == 0).all()


def test_capex_goes_to_vendors_and_construction(small):
    legs = small.model.legs
    vendor, rest = leg(small, "capex:cloud:vendor"), leg(small, "capex:cloud")
    assert (legs.capex_share[vendor], legs.capex_share[rest]) == pytest.approx((0.3, 0.7))
    assert (legs.chip_share[vendor], legs.chip_share[rest]) == pytest.approx((0.6, 0.4))


def test_planned_capacity_is_what_earlier_capex_bought(small):
    fleet, cloud = small.model.fleet, row(small, "cloud")
    capex = small.model.entities.capex_plan[cloud]
    assert fleet.plan_gw[0, 0] == 0.0 and fleet.plan_gw[0, 7] == pytest.approx(capex[:7].sum() / 40)


def test_cash_targets_hold_the_planned_burn_of_the_coming_steps(small):
    entities, lab = small.model.entities, row(small, "lab")
    # Half a year of burn ahead: the first two quarters of the plan, which burns 10 in the first year.
    assert 2.0 < entities.cash_target[lab, 0] < 2.0 + 10.0
    assert entities.cash_target[lab, -1] == entities.min_cash[lab] == 2.0
    assert entities.cash_target[row(small, "holding"), 0] == 1.0


def test_rates_a_quarter_become_rates_a_step(copied):
    change(copied, "small.toml", 'steps = 20\nstep = "quarter"', 'steps = 5\nstep = "year"')
    model = compile_scenario(load_scenario(copied), 7).model
    lab, vendor, holding = 0, 3, 2
    assert model.entities.fund_phi[lab] == pytest.approx(0.16) and model.entities.fund_flat[holding] == pytest.approx(40.0)
    assert model.entities.payout[vendor] == pytest.approx(1 - 0.5**4)
    assert model.entities.rev_ext[lab] == pytest.approx([20, 40, 70, 100, 130])
    assert model.factors.revenue.plan0[0] == pytest.approx(16.0)


def test_smoothed_receipts_follow_the_same_rule_as_on_a_path(small):
    entities, lab = small.model.entities, row(small, "lab")
    weight, z = small.model.rules.smoothing, entities.receipts0[lab]
    for t in range(20):
        z += weight * (entities.rev_ext[lab, t] - z)
        assert entities.receipts_plan[lab, t] == pytest.approx(z)


def test_money_of_the_market_is_equity_or_debt(small):
    entities = small.model.entities
    assert entities.fund_unbounded[row(small, "lab")] == 1 and entities.fund_unbounded[row(small, "cloud")] == 0
    assert entities.new_debt_leg[row(small, "cloud")] == leg(small, "new_debt:cloud")


def test_groups_take_the_chance_of_their_status(small, copied):
    change(copied, "deals.csv", "letter_of_intent,,expansion,", "letter_of_intent,0.25,expansion,")
    same = compile_scenario(load_scenario(copied), 7)
    k = small.names.groups.index("expansion")
    assert same.model.factors.execution.threshold[k] == small.model.factors.execution.threshold[k]
    assert (small.model.factors.execution.size_low[k], small.model.factors.execution.size_high[k]) == (0.5, 1.0)


@pytest.mark.parametrize(
    ("links", "sweeps"),
    [
        ([], 1),
        ([(0, 1, 0.3)], 2),
        ([(0, 1, 0.3), (1, 2, 0.3), (3, 1, 0.2)], 3),
        ([(0, 1, 0.1), (1, 0, 0.1)], 14),
        ([(0, 1, 0.9), (1, 0, 0.5)], 200),
        ([(0, 1, 1.0), (1, 0, 1.0)], 200),
    ],
)
def test_sweeps_of_equity(links, sweeps):
    holder, issuer, stake = (np.array(column) for column in zip(*links)) if links else (np.zeros(0, int), np.zeros(0, int), np.zeros(0))
    assert count_sweeps(holder, issuer, stake, np.ones(4, bool), 4) == sweeps


def test_holdings_of_outside_nodes_need_no_sweep():
    inside = np.array([True, False])
    assert count_sweeps(np.array([1]), np.array([0]), np.array([1.0]), inside, 2) == 1


def test_the_sweeps_settle_a_circle():
    """As many Gauss-Seidel sweeps as counted bring two firms that hold 60 and 50 % of each other to their exact value."""
    stakes = np.array([[0.0, 0.6], [0.5, 0.0]])
    own, value = np.array([3.0, 5.0]), np.zeros(2)
    for _ in range(count_sweeps(np.array([0, 1]), np.array([1, 0]), np.array([0.6, 0.5]), np.ones(2, bool), 2)):
        for i in range(2):
            value[i] = own[i] + stakes[i] @ value
    assert value == pytest.approx(np.linalg.solve(np.eye(2) - stakes, own), rel=1e-13)


# Digest and repetition


def test_the_same_scenario_is_the_same_model(small):
    again = compile_scenario(load_scenario(SMALL), 7)
    assert again.digest == small.digest and again.names == small.names and again.reconciliation == small.reconciliation
    for (name, one), (_, two) in zip(arrays(small.model), arrays(again.model), strict=True):
        assert np.array_equal(one, two), name


def test_a_copy_elsewhere_has_the_same_digest(small, copied):
    assert compile_scenario(load_scenario(copied), 7).digest == small.digest


@pytest.mark.parametrize(
    ("table", "old", "new"),
    [
        ("small.toml", "alpha = 0.9", "alpha = 0.8"),
        ("small.toml", "paths = 1000", "paths = 999"),
        ("entities.csv", "The lab,", "Our lab,"),
        ("figures.csv", "lab,cash,,20,", "lab,cash,,21,"),
        ("deals.csv", "a tenth of the lab", "ten percent"),
        ("schedules.csv", "halls,payment,2026,1,", "halls,payment,2026,1.1,"),
        ("terms.csv", "notes,rate,0.07", "notes,rate,0.071"),
        ("vendors.csv", "0.5,0.6", "0.5,0.61"),
    ],
)
def test_the_digest_covers_every_input(small, copied, table, old, new):
    change(copied, table, old, new)
    assert compile_scenario(load_scenario(copied), 7).digest != small.digest


def test_the_digest_covers_defaults_and_seed(small):
    scenario = load_scenario(SMALL)
    assert small.resolved["rules"]["beta"] == 0.9 and small.resolved["factors"]["regime"]
    assert compile_scenario(scenario, 8).digest != small.digest
    assert compile_scenario(scenario).digest == small.digest  # the seed of the file is 7
    with pytest.raises(InputError, match="seed = -1"):
        compile_scenario(scenario, -1)


def test_adding_a_deal_leaves_the_draws_of_others(small, copied):
    add(copied, "deals.csv", f"option,lease,cloud,landlords,2,USD bn,talks,0.1,another,2026,2028,,,2025-11-30,2025-12-15,{TEST},")
    add(copied, "schedules.csv", f"option,payment,2027,1,USD bn/year,{TEST}")
    other = compile_scenario(load_scenario(copied), 7)
    assert np.array_equal(other.model.factors.execution.key[:3], small.model.factors.execution.key)
    assert np.array_equal(other.model.factors.revenue.key, small.model.factors.revenue.key)
