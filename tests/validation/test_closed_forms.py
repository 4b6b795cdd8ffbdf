"""The engine and the factors against closed forms; the findings are those of docs/validation.md (validation/claims.py)."""

import pytest

from tests.validation import factor_moments, factor_steps, fleets, portfolios, square_root
from tests.validation.claims import refuse_false


def test_one_firm_with_one_bullet_is_mertons():
    refuse_false(portfolios.one_firm())


def test_losses_are_discounted_by_vasiceks_bonds():
    refuse_false(portfolios.bonds())


@pytest.mark.slow  # a thousand firms
def test_portfolio_of_firms_with_one_factor_is_vasiceks():
    refuse_false(portfolios.portfolios())


def test_fleet_is_the_sum_of_its_vintages():
    refuse_false(fleets.findings())


def test_factors_have_their_moments():
    refuse_false(factor_moments.moments())


def test_joint_tails_are_those_of_the_normal_law():
    refuse_false(factor_moments.tail_findings())


def test_factors_move_by_their_exact_laws():
    refuse_false(factor_steps.findings())


def test_square_root_rate():
    refuse_false(square_root.findings())
