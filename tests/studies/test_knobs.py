"""Knobs that move nothing and knobs that move something, and faults of their file as sentences."""

import numpy as np
import pytest

from simulate.errors import InputError
from simulate.report.market import knob_section
from simulate.scenario.load import load_scenario
from simulate.studies.knobs import measure_knobs, read_knobs, same_bits
from tests.makers.small import SMALL, copy_small


def with_knobs(folder, *rows):
    small = copy_small(folder)
    (small.parent / "knobs.csv").write_text("key,value,note\n" + "".join(f"{row}\n" for row in rows))
    return small


def test_a_knob_is_dead_where_no_row_reads_it_or_no_result_moves(tmp_path):
    """The chips have a probability of their own; cash moves results; no order reaches one and a half times its plan."""
    small = with_knobs(tmp_path, "factors.execution.probability.conditional,0.9,of the chips", "figures.lab.cash,60,", "rules.capex_max,3,orders stay below")
    idle, alive, unreached = measure_knobs(small, seed=3, threads=1, paths=60)
    assert idle.is_dead and not idle.in_model and idle.was == "0.7"
    assert alive.in_model and alive.moved > 5 and not alive.is_dead
    assert unreached.is_dead and unreached.in_model
    page = "\n".join(knob_section([idle, alive], 60))
    assert (
        "Dead: `factors.execution.probability.conditional`." in page
        and "| `figures.lab.cash` |" in page
        and f"moves {alive.moved} of {alive.of} variables" in page
    )


def test_same_bits_are_those_of_nan_and_not_those_of_minus_zero():
    assert same_bits(np.array([np.nan, 1.0]), np.array([np.nan, 1.0]))
    assert not same_bits(np.array([0.0]), np.array([-0.0])) and not same_bits(np.zeros(2), np.zeros((2, 1)))


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("rules.alpah,1,", r"knobs.csv line 2 .*: .*did you mean 'alpha'"),
        ("rules.alpha,7,", "knobs.csv line 2 .*: --set: rules.alpha = 7 is wrong"),
        ("rules.alpha,,", "value is blank; write it"),
        (",1,", "key is blank; write it"),
        ("rules.alpha", "2 cells|1 cells"),
    ],
)
def test_what_is_wrong_with_a_knob_is_a_sentence(tmp_path, row, sentence):
    with pytest.raises(InputError, match=sentence):
        read_knobs(load_scenario(with_knobs(tmp_path, row)))


def test_without_the_file_there_are_no_knobs():
    assert measure_knobs(SMALL, seed=0, threads=1) == [] and knob_section([], 10) == []
