"""What uncertain parameters do to the answer: the sentence that leads it, ranges of the measures, and what each hangs on."""

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.table import Table

from simulate import risk
from simulate.report.words import money, new_table, number, percent
from simulate.risk.ranges import FROM, TO

if TYPE_CHECKING:
    import xarray as xr

LEADING = 3  # parameters in the first sentences
SEEN = 0.0005  # a default probability that is printed somewhere as more than 0.0 %
MEASURES = {
    "expected_loss": "Expected system loss",
    "value_at_risk": "VaR 99 % of it",
    "expected_shortfall": "ES 99 % of it",
    "lender_loss": "Expected loss of lenders",
}


def lead(study: "xr.Dataset", dataset: "xr.Dataset | None" = None) -> list[str]:
    """Return the first lines of an answer: headline, sampling error, parameter range, and the parameters that it hangs on most; `dataset`: the run that says the headline."""
    ranged = risk.parameter_range(study)
    low, middle, high = (money(ranged["expected_loss"].sel(quantile=q)) for q in (0.05, 0.5, 0.95))
    if dataset is None:
        value, error = study["expected_loss_base"], study["expected_loss_base_error"]
    else:
        one = risk.tail_measures(dataset)
        value, error = one["expected_loss"], one["expected_loss_error"]
    return [
        f"Expected system loss {money(value)} USD bn: sampling error {money(error)} (s.e.), parameter range {low} to {high} (5 to 95 %; median {middle}).",
        f"It hangs most on {'; '.join(leaders(study))}: changes from the {100 * FROM:g} to the {100 * TO:g} % quantile.",
    ]


def leaders(study: "xr.Dataset") -> list[str]:
    """Return the parameters that the expected loss hangs on most, with their share of the variance and their effect, in words."""
    found = risk.importance(study)
    order = np.argsort(-found["expected_loss_share"].values, kind="stable")[:LEADING]
    return [
        f"{found['parameter'].values[k]} ({100 * float(found['expected_loss_share'][k]):.0f} % of the variance, {signed(found['expected_loss_effect'][k])} USD bn)"
        for k in order
    ]


def signed(value: Any) -> str:
    """Format USD bn with a sign."""
    return f"{'-' if float(value) < 0 else '+'}{money(abs(float(value)))}"


def range_table(study: "xr.Dataset") -> Table:
    """Return the table of measures: as the scenario stands with its sampling error, and the range over sets of parameters."""
    ranged, attrs = risk.parameter_range(study), study.attrs
    title = (
        f"Ranges: {attrs['sets']} sets of {study.sizes['parameter']} uncertain parameters, {attrs['paths']:,} paths each, the same draws in all. USD bn, and\n"
        f"default within {attrs['horizon']:g} years in % of paths; quantiles over the sets, less the noise of their paths"
    )
    table = new_table(title, "", "as it\nstands", "s.e.", "5 %", "s.e.", "median", "s.e.", "95 %", "s.e.")
    for name, label in MEASURES.items():
        table.add_row(label, *map(money, numbers_of(study, ranged, name)))
    table.add_section()
    for entity in ranging(study):
        at = {"entity": entity}
        table.add_row(entity, *map(percent, numbers_of(study.sel(at), ranged.sel(at), "default_probability")))
    return table


def numbers_of(study: "xr.Dataset", ranged: "xr.Dataset", name: str) -> list[float]:
    """Return a measure as the scenario stands and its quantiles, each with its standard error."""
    pairs = [(study[f"{name}_base"], study[f"{name}_base_error"]), *zip(ranged[name].values, ranged[f"{name}_error"].values, strict=True)]
    return [float(number) for pair in pairs for number in pair]


def ranging(study: "xr.Dataset") -> list[str]:
    """Return the entities that default with some probability, as the scenario stands or in some set."""
    most = np.maximum(study["default_probability"].max("set").values, study["default_probability_base"].values)
    return [str(name) for name, chance in zip(study["entity"].values, most, strict=True) if chance >= SEEN]


def parameter_table(study: "xr.Dataset") -> Table:
    """Return the table of parameters by their share of the variance of the expected loss, and what is left over."""
    found = risk.importance(study)
    ends = np.quantile(study["value"].transpose("set", "parameter").values, (FROM, TO), axis=0)
    title = (
        "What the expected system loss hangs on: share of the variance of its ranks (squared standardised\n"
        f"rank regression coefficients), and its change from low to high, the {100 * FROM:g} and {100 * TO:g} % quantiles; USD bn"
    )
    table = new_table(title, "parameter", "as it\nstands", "low", "high", "share,\n%", "s.e.", "low to\nhigh", "s.e.")
    for k in np.argsort(-found["expected_loss_share"].values, kind="stable"):
        one, base = found.isel(parameter=int(k)), float(study["base"][int(k)])
        shares = (f"{100 * float(one[f'expected_loss_{name}']):.1f}" for name in ("share", "share_error"))
        effects = (signed(one["expected_loss_effect"]), money(one["expected_loss_effect_error"]))
        values = ("several" if np.isnan(base) else number(base), *(f"{end:.3g}" for end in ends[:, k]))
        table.add_row(str(one["parameter"].values), *values, *shares, *effects)
    table.add_section()
    rest = 100.0 * (1.0 - float(found["expected_loss_explained"]))
    table.add_row("curvature, interaction, noise", "", "", "", f"{rest:.1f}", "", "", "")
    return table


def remarks(study: "xr.Dataset") -> list[str]:
    """Return sentences about sets that were refused and keys that were held."""
    attrs, sentences = study.attrs, []
    if refused := int(attrs["sets_refused"]):
        sentences.append(f"{refused} sets of parameters could not be run and are left out:")
        sentences += [f"  {sentence}" for sentence in json.loads(attrs["refusals"])]
    if held := json.loads(attrs["held"]):
        sentences.append(f"Set by the caller, so not drawn: {', '.join(held)}.")
    return sentences
