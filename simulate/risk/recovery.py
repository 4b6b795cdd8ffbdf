"""Recovery: what creditors get of their claims on who fails, as realised at the end of the run; 1 - loss given default.

Claims are what is owed at the failure: dues, balance and receivables, not damages for broken contracts. Of a firm that fails twice both failures count. Paid
by the estate and its collateral, not by guarantors; nominal, up to the end of the run. Who was not paid by then is counted as lost.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from simulate.errors import InputError
from simulate.risk.measures import Estimate, named_estimate, path_weights, value_at_risk
from simulate.risk.rounds import ratio_of_means
from simulate.risk.selection import choose, in_world, refuse_not_finite

if TYPE_CHECKING:
    import xarray as xr

BY = ("deal", "deal_payer", "deal_payee", "deal_class", "deal_kind")
QUANTILES = (0.05, 0.5, 0.95)


def recovery(
    dataset: "xr.Dataset", *, by: str = "deal_class", payer: str | None = None, kinds: str | Sequence[str] | None = None, world: str = "network"
) -> "xr.Dataset":
    """Return the recovery of claims on defaulters by class, debtor, creditor, kind or deal. Dim `by`, only members with claims on some path.

    by: deal_class, deal_payer (debtor), deal_payee (creditor), deal_kind or deal. payer: claims on this entity alone; kinds: claims of these kinds of deal alone.
    recovery: 1 - expected loss / expected claims, so each dollar counts the same, with the standard error of a ratio of means. mean, standard_deviation and
    quantiles are over the paths on which there is a claim, each path the same: dispersion of what a creditor finds. claims: USD bn on such a path, their mean.
    paths: their number. Raises InputError for an unknown `by`, payer or kind, and for a world without detail.
    """
    import xarray as xr

    choose(dataset, "by", [by], among=BY)
    weights = path_weights(dataset)
    claims, lost = (in_world(dataset, name, world).values.astype(np.float64) for name in ("exposure_at_default", "default_loss"))
    mine = np.ones(claims.shape[1], bool)
    if payer is not None:
        mine &= dataset["deal_payer"].values == choose(dataset, "deal_payer", [payer])[0]
    if kinds is not None:
        mine &= np.isin(dataset["deal_kind"].values.astype(object), choose(dataset, "deal_kind", kinds))
    labels = dataset[by].values.astype(object)
    for name, values in (("exposure_at_default", claims), ("default_loss", lost)):
        refuse_not_finite(values, f"'{name}' of world '{world}'")
    counts = weights > 0.0
    members = [label for label in dict.fromkeys(labels[mine]) if (claims[counts][:, mine & (labels == label)] > 0.0).any()]
    if not members:
        raise InputError(["nobody fails with such claims on any path, so nothing is recovered."])
    chosen = [mine & (labels == label) for label in members]
    rows = [one_recovery(claims[:, these].sum(axis=1), lost[:, these].sum(axis=1), weights) for these in chosen]
    data = named_estimate("recovery", Estimate(*(np.array([row[0][k] for row in rows]) for k in range(4))), (by,), "share")
    for k, (name, unit, words) in enumerate(COLUMNS, 1):
        data[name] = ((by,), np.array([row[k] for row in rows]), {"units": unit, "long_name": words})
    data["quantiles"] = (
        (by, "quantile"),
        np.array([row[-1] for row in rows]),
        {"units": "share", "long_name": "Quantiles of the recovery over paths with a claim"},
    )
    return xr.Dataset(data, coords={by: members, "quantile": list(QUANTILES)})


COLUMNS = (
    ("mean", "share", "Mean recovery over paths with a claim"),
    ("standard_deviation", "share", "Standard deviation of the recovery over paths with a claim"),
    ("claims", "USD bn", "Mean of the claims on paths with one"),
    ("paths", "paths", "Paths with a claim"),
)


def one_recovery(claims: np.ndarray, lost: np.ndarray, weights: np.ndarray) -> tuple:
    """Return the recovery of claims [path], then the values of COLUMNS, then quantiles."""
    there = (claims > 0.0) & (weights > 0.0)
    ratio = ratio_of_means(lost, claims, weights)
    share, among = 1.0 - lost[there] / claims[there], weights[there] / weights[there].sum()
    centre = float(np.dot(among, share))
    spread = float(np.sqrt(np.dot(among, np.square(share - centre))))
    low, high = np.clip([1.0 - ratio.high, 1.0 - ratio.low], 0.0, 1.0)
    value = Estimate(1.0 - ratio.value, ratio.standard_error, low, high)
    quantiles = [float(value_at_risk(share, among, q).value) for q in QUANTILES]
    return value, centre, spread, float(np.dot(among, claims[there])), int(there.sum()), quantiles
