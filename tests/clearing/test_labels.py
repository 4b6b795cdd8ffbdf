"""Labels of pandas say which firm is which; they are matched, never ignored."""

import numpy as np
import pandas as pd
import pytest

import simulate
from simulate.errors import InputError

FIRMS = ["a", "b", "c"]
OWED = pd.DataFrame([[0.0, 2.0, 0.0], [0.0, 0.0, 3.0], [1.0, 0.0, 0.0]], FIRMS, FIRMS)
CASH = pd.Series([1.0, 0.0, 0.5], FIRMS)


@pytest.mark.parametrize("order", [["a", "b", "c"], ["c", "a", "b"], ["b", "c", "a"]])
def test_the_order_of_labels_does_not_matter(order):
    expected = simulate.clearing_vector(OWED.values, CASH.values, [0.0, 1.0, 0.0]).payment
    external = pd.Series([0.0, 1.0, 0.0], FIRMS)
    found = simulate.clearing_vector(OWED[order], CASH[order], external[order]).payment
    np.testing.assert_array_equal(found, expected)
    rows = simulate.clearing_vector(OWED.loc[order], CASH, external).payment
    np.testing.assert_array_equal(rows, expected[[FIRMS.index(firm) for firm in order]], err_msg="results are in the order of the index")


def test_a_table_beside_plain_numbers_is_read_in_its_own_order():
    np.testing.assert_array_equal(simulate.clearing_vector(OWED, CASH.values).payment, simulate.clearing_vector(OWED.values, CASH.values).payment)


@pytest.mark.parametrize(
    ("liabilities", "cash", "says"),
    [
        (OWED, CASH.rename({"c": "x"}), "external_assets: the labels of its index are not the firms of the index of liabilities; they differ in c, x."),
        (OWED.rename(columns={"a": "z"}), CASH, "liabilities: the labels of its columns are not the firms of the index of liabilities; they differ in a, z."),
        (OWED.rename(index={"a": "b"}, columns={"a": "b"}), CASH, "they differ in one of them twice."),
        (OWED.values, CASH, "external_assets has labels and liabilities has none, so nothing says which firm is which"),
    ],
)
def test_labels_that_do_not_match_are_refused(liabilities, cash, says):
    with pytest.raises(InputError) as caught:
        simulate.clearing_vector(liabilities, cash)
    assert any(says in sentence for sentence in caught.value.sentences), caught.value.sentences
