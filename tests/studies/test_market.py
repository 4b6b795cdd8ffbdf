"""Swaps and ratings by hand: probabilities, bands by rule, and faults of the file as sentences."""

import pytest
from scipy.stats import norm

from simulate.errors import InputError
from simulate.scenario.load import load_scenario
from simulate.studies.market import HISTORY, Quote, read_market
from tests.makers.small import SMALL, copy_small

HEAD = "entity,quote,value,unit,date,source,note\n"


def test_a_swap_pays_for_its_risk_neutral_probability():
    """Hazard of spread over loss: 65 bp at 35 % recovery is 1 % a year."""
    quote = Quote("x", swap=65.0)
    assert quote.risk_neutral(1.0) == pytest.approx(0.00995, abs=1e-5) and quote.risk_neutral(5.0) == pytest.approx(0.04877, abs=1e-5)


def test_the_real_world_probability_lies_below_by_the_price_of_risk():
    quote = Quote("x", swap=151.0)
    assert quote.real_world(5.0, 0.0) == pytest.approx(quote.risk_neutral(5.0))
    shift = norm.ppf(quote.risk_neutral(5.0)) - norm.ppf(quote.real_world(5.0, 0.35))
    assert shift == pytest.approx(0.35 * 5**0.5)
    assert quote.real_world(5.0, 0.4) < quote.real_world(5.0) < quote.real_world(5.0, 0.3) < quote.risk_neutral(5.0)
    assert (quote.real_world(5.0, 0.4), quote.real_world(5.0, 0.3)) == pytest.approx((0.017, 0.029), abs=5e-4)  # a validator's figures for this swap


def test_bands_by_rule():
    swap = Quote("x", swap=151.0, rating="B")
    assert swap.band == pytest.approx((swap.real_world(5.0) / 2, 2 * swap.real_world(5.0)))
    assert Quote("x", rating="Baa").band == (0.0, pytest.approx(2 * 0.01938)) and Quote("x", rating="Caa-C").band == (0.0, 1.0)
    with pytest.raises(ValueError, match="'x' has no swap"):
        Quote("x", rating="B").risk_neutral(1.0)


def test_rates_of_default_rise_with_time_and_fall_with_the_rating():
    one, five = ([HISTORY[letter][years] for letter in HISTORY] for years in (1.0, 5.0))
    assert one == sorted(one) and five == sorted(five) and all(a < b for a, b in zip(one, five, strict=True))


def with_market(folder, *rows):
    small = copy_small(folder)
    (small.parent / "market.csv").write_text(HEAD + "".join(f"{row}\n" for row in rows))
    return load_scenario(small)


def test_swap_and_rating_of_an_entity_are_one_quote(tmp_path):
    rows = ("lab,swap,300,bp,2025-12-01,test,", "lab,rating,Ba,letter,2025-12-01,test,", "cloud,rating,B,letter,2025-12-01,test,")
    assert read_market(with_market(tmp_path, *rows)) == {"lab": Quote("lab", 300.0, "Ba"), "cloud": Quote("cloud", None, "B")}
    assert read_market(load_scenario(SMALL)) == {}


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("lba,swap,300,bp,2025-12-01,test,", r"market.csv line 2 .*: entity 'lba' is no entity \(did you mean 'lab'"),
        ("lab,spread,300,bp,2025-12-01,test,", "quote 'spread' is not known.*must be one of swap, rating"),
        ("lab,swap,300,%,2025-12-01,test,", "the unit is '%'; a swap is in 'bp'"),
        ("lab,rating,Ba1,letter,2025-12-01,test,", r"value 'Ba1' is not known \(did you mean 'Ba'"),
        ("lab,swap,much,bp,2025-12-01,test,", "value is 'much', which is no number"),
        ("lab,swap,0,bp,2025-12-01,test,", "value is 0; a swap costs something"),
        ("lab,swap,300,bp,2026-07-29,test,", "2026-07-29 is after the information date 2026-02-28"),
        ("lab,swap,300,bp,,test,", "date is blank"),
        ("lab,swap,300,bp,2025-12-01,,", "source is blank"),
    ],
)
def test_what_is_wrong_with_a_quote_is_a_sentence(tmp_path, row, sentence):
    with pytest.raises(InputError, match=sentence):
        read_market(with_market(tmp_path, row))


def test_a_second_swap_is_a_sentence(tmp_path):
    with pytest.raises(InputError, match="line 3 .*there is another swap of 'lab'; keep one"):
        read_market(with_market(tmp_path, "lab,swap,300,bp,2025-12-01,test,", "lab,swap,301,bp,2025-12-02,test,"))
