"""Tables of a network: each fault is a sentence with file, row, what is wrong and what would be right."""

import pytest

from simulate.compile.scenario import compile_scenario
from simulate.scenario.load import load_scenario
from tests.makers.small import add, change, copy_small, expect, faults

TEST = "assumption: test"


@pytest.fixture
def small(tmp_path):
    return copy_small(tmp_path)


# (table, what it says, what it is changed to, words of the sentence)
CHANGES = {
    "negative amount": ("deals.csv", "notes,bond,cloud,bond_market,8,", "notes,bond,cloud,bond_market,-8,", ("deals.csv line 5 ('notes')", "amount is negative (-8)")),
    "no Python number": ("deals.csv", "bond_market,8,USD bn", "bond_market,8_0,USD bn", ("'notes'", "'8_0', which is no number")),
    "open quote": ("terms.csv", f"halls,days,30,days,{TEST}", f'halls,days,30,days,"{TEST}', ("terms.csv line 27: not valid CSV", "close every quote")),
    "no number": ("deals.csv", "bond_market,8,USD bn", "bond_market,eight,USD bn", ("'notes'", "'eight', which is no number")),
    "unknown payee": ("deals.csv", "chip_loan,gpu_loan,cloud,banks", "chip_loan,gpu_loan,cloud,bank", ("'chip_loan'", "payee 'bank' is no entity", "did you mean 'banks'")),
    "same party twice": ("deals.csv", "halls,lease,cloud,landlords", "halls,lease,cloud,cloud", ("'halls'", "payer and payee are both 'cloud'")),
    "unknown kind": ("deals.csv", "halls,lease,", "halls,leese,", ("'halls'", "kind 'leese'", "did you mean 'lease'")),
    "unknown status": ("deals.csv", "20,USD bn,conditional", "20,USD bn,conditionel", ("'chips'", "status 'conditionel'", "did you mean 'conditional'")),
    "dates out of order": ("deals.csv", "2025-07,2028-12,", "2025-07,2024-12,", ("'term_loan'", "ends on 2024-12-31, before it starts on 2025-07-01")),
    "no date": ("deals.csv", "2025-07,2028-12,", "2025-07,2028-13,", ("'term_loan'", "end is '2028-13'", "YYYY-MM")),
    "no day of any month": ("deals.csv", "2025-07,2028-12,", "2025-07,2028-12-99999999999999999999,", ("'term_loan'", "end is '2028-12-9", "which is no date")),
    "yen deal": ("deals.csv", "bond_market,8,USD bn", "bond_market,8,JPY bn", ("'notes'", "'JPY bn' is another currency", "convert")),
    "probability above one": ("deals.csv", "conditional,0.6", "conditional,1.6", ("'chips'", "probability is 1.6", "at most 1")),
    "chance without group": ("deals.csv", "conditional,0.6,expansion_chips", "conditional,0.6,", ("'chips'", "probability 0.6 but no group")),
    "balance in a group": ("deals.csv", "cloud,bond_market,8,USD bn,binding,1,", "cloud,bond_market,8,USD bn,binding,1,g", ("'notes'", "opening balance", "leave the group blank")),
    "two chances in a group": ("deals.csv", "0.6,expansion_chips", "0.6,expansion", ("group 'expansion'", "0.6", "that of 'letter_of_intent'", "must agree")),
    "reserved group": ("deals.csv", "0.6,expansion_chips", "0.6,sure", ("group name 'sure' is taken",)),
    "inside lender of draws": ("deals.csv", "chip_loan,gpu_loan,cloud,banks", "chip_loan,gpu_loan,cloud,vendor", ("'chip_loan'", "draws come from 'vendor'", "outside node")),
    "naked guarantee": ("deals.csv", "support,guarantee,vendor,bond_market", "support,guarantee,vendor,banks", ("'support'", "naked guarantee", "owed to 'bond_market'")),
    "own guarantee": ("deals.csv", "support,guarantee,vendor,", "support,guarantee,cloud,", ("'support'", "guarantees its own debt 'notes'")),
    "yen schedule": ("schedules.csv", "halls,payment,2027,1.2,USD bn/year", "halls,payment,2027,1.2,JPY bn/year", ("schedules.csv line 33 (deal 'halls' item 'payment' year '2027')", "another currency")),
    "unknown unit": ("figures.csv", "vendor,cash,,30,USD bn", "vendor,cash,,30,USD tn", ("entity 'vendor' figure 'cash'", "unit 'USD tn'", "'USD bn' or 'USD mn'")),
    "year outside the dates": ("schedules.csv", "servers,payment,2028,1,", "servers,payment,2029,1,", ("deal 'servers'", "1 in 2029 lies outside the dates")),
    "wrong item": ("schedules.csv", "halls,payment,2026", "halls,principal,2026", ("deal 'halls'", "the kind lease reads no 'principal'", "payment")),
    "ratio for money": ("schedules.csv", "halls,payment,2026,1,USD bn/year", "halls,payment,2026,1,share", ("deal 'halls'", "'USD bn/year'")),
    "money for ratio": ("schedules.csv", "royalty,payment,2026,0.02,share", "royalty,payment,2026,0.02,USD bn", ("deal 'royalty'", "the unit 'USD bn'", "'share'")),
    "schedule of no deal": ("schedules.csv", "halls,payment,2026", "hall,payment,2026", ("there is no deal 'hall'", "did you mean 'halls'")),
    "no year": ("schedules.csv", "halls,payment,2026", "halls,payment,26", ("deal 'halls'", "the year is '26'", "such as 2027")),
    "unknown term": ("terms.csv", "notes,rate,", "notes,rat,", ("terms.csv", "the kind bond has no term 'rat'", "did you mean 'rate'")),
    "unit of a term": ("terms.csv", "compute,days,45,days", "compute,days,45,weeks", ("deal 'compute' term 'days'", "unit 'weeks'", "'days'")),
    "missing term": ("terms.csv", "seed_stake,share,0.1,share", "seed_stake,cost,6,USD bn", ("'seed_stake'", "the term 'share' of the kind equity_stake is missing")),
    "term too large": ("terms.csv", "chip_loan,fleet_share,0.6", "chip_loan,fleet_share,1.6", ("term 'fleet_share'", "1.6", "less than or equal to 1")),
    "covers nothing": ("terms.csv", "support,covers,notes", "support,covers,note", ("'support'", "covers 'note', which is no deal", "did you mean 'notes'")),
    "covers a stake": ("terms.csv", "support,covers,notes", "support,covers,seed_stake", ("'support'", "the kind equity_stake", "can be covered")),
    "pledge of another's stake": ("terms.csv", "margin_loan,stake_deal,seed_stake", "margin_loan,stake_deal,cross_stake", ("'margin_loan'", "which 'vendor' holds")),
    "pledge of nothing": ("terms.csv", "margin_loan,stake_deal,seed_stake", "margin_loan,stake_deal,seed", ("'margin_loan'", "'seed' is no equity_stake")),
    "gate without fleet": ("terms.csv", "tranches,gate_host,cloud", "tranches,gate_host,lab", ("'tranches'", "gate_host 'lab' owns no fleet", "cloud")),
    "half a gate": ("terms.csv", f"tranches,gate_gw,0.4,GW,{TEST}\n", "", ("'tranches'", "half a gate")),
    "size without group": ("terms.csv", "compute,days,45,days", "compute,size_low,0.5,share", ("'compute'", "has a size but no group")),
    "share too large": ("terms.csv", "seed_stake,share,0.1,", "seed_stake,share,1.1,", ("deal 'seed_stake' term 'share'", "1.1")),
    "unknown figure": ("figures.csv", "lab,headroom,", "lab,headrom,", ("entity 'lab'", "figure 'headrom'", "did you mean 'headroom'")),
    "figure of nobody": ("figures.csv", "lab,headroom,", "labb,headroom,", ("entity 'labb' is no entity", "did you mean 'lab'")),
    "negative figure": ("figures.csv", "lab,cash,,20,", "lab,cash,,-20,", ("entity 'lab' figure 'cash'", "-20 is negative")),
    "negative plan": ("figures.csv", "lab,plan_revenue,2026,20,", "lab,plan_revenue,2026,-20,", ("'plan_revenue'", "is negative")),
    "year of a scalar": ("figures.csv", "lab,cash,,20,", "lab,cash,2026,20,", ("'cash' is one number", "leave the year blank")),
    "figure too large": ("figures.csv", "lab,ai_share,,1,", "lab,ai_share,,2,", ("'ai_share' must be at most 1",)),
    "plan without a year": ("figures.csv", "lab,plan_fcf,2027,-15,", "lab,plan_fcf,2025,-15,", ("'lab'", "'plan_fcf' is missing for 2027", "2026 to 2030")),
    "plan nobody reads": ("figures.csv", "vendor,plan_ocf,2026,40,", "vendor,plan_fcf,2026,40,", ("'vendor'", "'plan_fcf' is not read by the bridge 'ocf'")),
    "no cash": ("figures.csv", "vendor,cash,", "vendor,min_cash,", ("'vendor'", "the figure 'cash' is missing")),
    "no fleet figure": ("figures.csv", f"cloud,book_life,,6,years,2025-12-31,2025-12-31,{TEST},\n", "", ("'cloud': is an owner of a fleet and needs the figure 'book_life'",)),
    "no headroom": ("figures.csv", f"lab,headroom,,1.3,1,2025-12-31,2025-12-31,{TEST},\n", "", ("'compute'", "capacity of 'lab', whose figure 'headroom' is missing")),
    "price too late": ("figures.csv", "lab,equity_value,,300,USD bn,2025-12-31,2025-12-31,assumption: test",
                       "lab,equity_value,,300,USD bn,2026-01-15,2026-01-15,a round", ("'equity_value'", "a price known on 2026-01-15", "2025-12-31")),
    "plan too late": ("figures.csv", "lab,plan_revenue,2026,20,USD bn/year,2025-12-31,2026-02-15,assumption: test",
                      "lab,plan_revenue,2026,20,USD bn/year,2026-03-31,2026-03-15,guidance", ("plan or guidance known on 2026-03-15", "information date 2026-02-28")),
    "no day": ("figures.csv", "lab,cash,,20,USD bn,2025-12-31,2025-12-31,assumption: test", "lab,cash,,20,USD bn,2025-12-31,,accounts", ("known_on is blank",)),
    "no source": ("figures.csv", "lab,cash,,20,USD bn,2025-12-31,2025-12-31,assumption: test", "lab,cash,,20,USD bn,2025-12-31,2025-12-31,", ("source is blank",)),
    "missing column": ("terms.csv", "deal,term,value,unit,source", "deal,term,value,source", ("terms.csv line 1", "column 'unit' is missing")),
    "unknown column": ("terms.csv", "deal,term,value,unit,source", "deal,term,value,unit,sauce", ("column 'sauce' is not known", "did you mean 'source'")),
    "too few cells": ("terms.csv", f"notes,rate,0.07,per year,{TEST}", "notes,rate,0.07,per year", ("terms.csv line", "4 cells, but the header has 5")),
    "unknown role": ("entities.csv", "vendor,The vendor,vendor,inside", "vendor,The vendor,vendor,insite", ("'vendor'", "role 'insite'", "did you mean 'inside'")),
    "immortal inside": ("entities.csv", "vendor,The vendor,vendor,inside,liquidate", "vendor,The vendor,vendor,inside,never", ("'vendor'", "policy must be 'restructure' or 'liquidate'")),
    "mortal outside": ("entities.csv", "banks,Banks,outside,outside,never", "banks,Banks,outside,outside,liquidate", ("'banks'", "policy must be 'never'")),
    "no such node": ("entities.csv", f"construction,Builders,outside,outside,never,none,0,0,0,{TEST}\n", "", ("no node 'construction'", "add it with role 'outside'")),
    "no lab": ("entities.csv", "restructure,fcf,1,0,1", "restructure,fcf,0,0,1", ("no lab has a revenue process",)),
    "insurer": ("entities.csv", "banks,Banks,", "insurer,Banks,", ("the id 'insurer' is taken",)),
    "vendor of itself": ("vendors.csv", "cloud,vendor,", "cloud,cloud,", ("'cloud' buys from itself",)),
    "outside spender": ("vendors.csv", "cloud,vendor,", "banks,vendor,", ("'banks' is outside and has no capex",)),
}  # fmt: skip


@pytest.mark.parametrize("case", CHANGES)
def test_a_fault_is_a_sentence(small, case):
    table, old, new, words = CHANGES[case]
    change(small, table, old, new)
    expect(faults(small), *words)


# (table, rows to add, words of the sentence)
ADDITIONS = {
    "duplicate entity": ("entities.csv", f"banks,Banks,outside,outside,never,none,0,0,0,{TEST}", ("entities.csv line 14 ('banks')", "repeats line 10")),
    "duplicate deal": ("deals.csv", f"halls,lease,cloud,landlords,8,USD bn,binding,1,,2025-07,2030,,,2025-11-30,2025-12-15,{TEST},", ("'halls'", "repeats line")),
    "duplicate term": ("terms.csv", f"notes,rate,0.08,per year,{TEST}", ("deal 'notes' term 'rate'", "repeats line")),
    "late deal": ("deals.csv", "new,lease,cloud,landlords,8,USD bn,binding,1,,2026-01,2030,,,2026-01-30,2026-01-31,press,",
                  ("'new'", "became known on 2026-01-31, after the run starts on 2025-12-31")),
    "deal that never pays": ("deals.csv", f"new,lease,cloud,landlords,8,USD bn,binding,1,,2025-07,2030,,,2025-11-30,2025-12-15,{TEST},",
                             ("'new'", "the kind lease needs rows 'payment'")),
    "lease of class 4": ("terms.csv", f"halls,class,4,1,{TEST}", ("'halls'", "cannot be of class 4", "from 0 to 3")),
    "secured purchase": ("terms.csv", f"chips,class,1,1,{TEST}", ("'chips'", "cannot be of class 1", "loans and bonds")),
    "repays too much": ("schedules.csv", f"chip_loan,principal,2030,40,USD bn/year,{TEST}", ("'chip_loan'", "repays 53 USD bn, more than its balance 14 plus draws 7")),
    "vendor shares": ("vendors.csv", f"cloud,lab,0.7,0.5,{TEST}", ("vendor shares of 'cloud' add up to 1.2",)),
    "outside figures": ("figures.csv", f"banks,cash,,1,USD bn,2025-12-31,2025-12-31,{TEST},", ("'banks'", "no balance sheet", "cash")),
}  # fmt: skip


@pytest.mark.parametrize("case", ADDITIONS)
def test_an_added_row_can_be_a_fault(small, case):
    table, row, words = ADDITIONS[case]
    add(small, table, row)
    expect(faults(small), *words)


def new_deal(identifier: str, kind: str, payer: str, payee: str, amount: float) -> str:
    return f"{identifier},{kind},{payer},{payee},{amount},USD bn,binding,1,,2025-07,2029-06-30,,,2025-11-30,2025-12-15,{TEST},"


def test_shares_in_one_issuer_above_one_are_refused(small):
    add(small, "deals.csv", new_deal("big_stake", "equity_stake", "vendor", "lab", 1))
    add(small, "terms.csv", f"big_stake,share,0.95,share,{TEST}")
    expect(faults(small), "shares in 'lab' add up to 1.05", "seed_stake 0.1", "big_stake 0.95", "must not exceed 1")


def test_shares_of_somebody_without_a_price_are_refused(small):
    add(small, "deals.csv", new_deal("odd_stake", "equity_stake", "vendor", "banks", 1))
    add(small, "terms.csv", f"odd_stake,share,0.5,share,{TEST}")
    expect(faults(small), "'odd_stake'", "'banks' issues shares but has no equity_value")


def test_collateral_pledged_twice_is_refused(small):
    add(small, "deals.csv", new_deal("second_lien", "gpu_loan", "cloud", "banks", 3))
    add(small, "terms.csv", f"second_lien,fleet_share,0.5,share,{TEST}")
    expect(faults(small), "collateral shares of the opening fleet of 'cloud' add up to 1.1", "chip_loan 0.6", "second_lien 0.5")


def test_a_secured_loan_without_collateral_is_refused(small):
    add(small, "terms.csv", f"term_loan,secured,1,1,{TEST}")
    expect(faults(small), "'term_loan'", "names no collateral")
    add(small, "terms.csv", f"term_loan,fleet_share,0.5,share,{TEST}")
    expect(faults(small), "'term_loan'", "'holding' owns no fleet to pledge")


def test_guarantees_of_more_than_the_whole_are_refused(small):
    add(small, "deals.csv", new_deal("more_support", "guarantee", "lab", "bond_market", 8))
    add(small, "terms.csv", f"more_support,covers,notes,text,{TEST}", f"more_support,share,0.6,share,{TEST}")
    expect(faults(small), "guarantees of 'notes' cover 1.1 of it", "at most 1")


def test_an_empty_network_is_refused(small):
    for table in ("entities", "figures", "deals", "schedules", "terms", "vendors"):
        file = small.parent / f"{table}.csv"
        file.write_text(file.read_text().splitlines()[0] + "\n")
    expect(faults(small), "entities.csv", "the network is empty")
    (small.parent / "entities.csv").write_text("")
    expect(faults(small), "entities.csv", "the file is empty", "header id,name,type")


def test_accounts_may_be_published_later(small):
    change(small, "figures.csv", "lab,cash,,20,USD bn,2025-12-31,2025-12-31,assumption: test", "lab,cash,,20,USD bn,2025-12-31,2026-06-16,audited accounts")
    assert load_scenario(small).network.entity("lab").figures["cash"] == 20


def test_millions_are_converted(small):
    change(small, "figures.csv", "vendor,cash,,30,USD bn", "vendor,cash,,30500,USD mn")
    assert load_scenario(small).network.entity("vendor").figures["cash"] == pytest.approx(30.5)


def test_blank_probability_is_that_of_the_status(small):
    deals = {deal.id: deal for deal in load_scenario(small).network.deals}
    assert deals["more_compute"].probability is None and deals["chips"].probability == 0.6


def test_rented_gw_of_the_same_site_and_payer_are_known(small):
    deals = {deal.id: deal for deal in load_scenario(small).network.deals}
    assert deals["chips"].rented_gw == 0.5 and deals["servers"].rented_gw == 0.0


def test_a_table_that_is_not_there_is_one_sentence(small):
    """Not one more for every row that refers to it."""
    header = "id,kind,payer,payee,amount,"
    change(small, "deals.csv", header, header.replace("amount,", ""))
    (said,) = faults(small)
    assert "the column 'amount' is missing" in said
    (small.parent / "deals.csv").unlink()
    (said,) = faults(small)
    assert "deals.csv: there is no such table" in said
    change(small, "small.toml", 'deals = "deals.csv"\n', "")
    assert [sentence.partition(":")[0] for sentence in faults(small)] == ["terms.csv", "schedules.csv"]


def test_a_wrong_figure_is_not_called_missing_too(small):
    change(small, "figures.csv", "lab,cash,,20,USD bn", "lab,cash,,20,JPY bn")
    (said,) = faults(small)
    assert "another currency" in said


def test_an_empty_network_is_one_sentence(small):
    file = small.parent / "entities.csv"
    file.write_text(file.read_text().splitlines()[0] + "\n")
    (said,) = faults(small)
    assert "entities.csv: the network is empty" in said


def test_a_network_without_deals_needs_no_tables_of_deals(small):
    for name in ("deals", "schedules", "terms", "vendors"):
        change(small, "small.toml", f'{name} = "{name}.csv"\n', "")
    assert compile_scenario(load_scenario(small)).names.legs


def test_a_line_break_in_quotes_is_part_of_the_cell(small):
    change(small, "terms.csv", f"halls,days,30,days,{TEST}", f'halls,days,30,days,"{TEST}\nof two lines"')
    change(small, "terms.csv", "support,covers,notes", "support,covers,note")
    expect(faults(small), "'support'", "covers 'note'")
    change(small, "terms.csv", "support,covers,note,", "support,covers,notes,")
    assert load_scenario(small).network.rows["terms"][25]["source"] == f"{TEST}\nof two lines"
