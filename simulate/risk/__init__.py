"""Measures of risk: functions of a result. Array functions in `measures`, named dimensions on top; no engine needed.

Every measure weighs path p by w_p = exp(log_weight_p) / sum of exp(log_weight), so plain and importance sampling are read alike.
"""

from simulate.risk.contagion import cause_split, conditional_defaults, first_failures
from simulate.risk.contributions import base_value, losses_by_channel, losses_by_deal, losses_by_entity, losses_by_year, losses_through, system_parts
from simulate.risk.defaults import default_probability, default_probability_by_factor, failures, standard_horizons
from simulate.risk.measures import expected_shortfall, mean, path_weights, proportion, tail_measures, tail_weights, value_at_risk
from simulate.risk.ranges import importance, parameter_range
from simulate.risk.recovery import recovery
from simulate.risk.rounds import channel_effects, rounds
from simulate.risk.selection import in_world

__all__ = [
    "base_value",
    "cause_split",
    "channel_effects",
    "conditional_defaults",
    "default_probability",
    "default_probability_by_factor",
    "expected_shortfall",
    "failures",
    "first_failures",
    "importance",
    "in_world",
    "losses_by_channel",
    "losses_by_deal",
    "losses_by_entity",
    "losses_by_year",
    "losses_through",
    "mean",
    "parameter_range",
    "path_weights",
    "proportion",
    "recovery",
    "rounds",
    "standard_horizons",
    "system_parts",
    "tail_measures",
    "tail_weights",
    "value_at_risk",
]
