"""Tables of losses: the system loss and its parts, who bears them, by year, by deal, and write-downs of fleets."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, SupportsFloat

import numpy as np
from rich.table import Table

from simulate import risk
from simulate.report.words import ROUNDING, discounting, money, new_table, percent
from simulate.risk.contributions import TAIL_LEVEL

if TYPE_CHECKING:
    import xarray as xr

MOST_DEALS = 10
OWN = "own"  # kind of the pseudo-deals that carry the losses on an owner's fleet
ENDS = ("credit", "contract", "equity")  # channels through which outside nodes lose
BORNE = ("credit", "contract", "equity", "collateral")
ENTITIES_TITLE = (
    "Entities: losses booked, USD bn; in part passed on to creditors and owners, so in no sum above.\n"
    "contract: margin on volume that is gone; equity: what was paid in; collateral: forced sales"
)
PARTS = {
    "lenders": "lenders: claims not paid",
    "claimants": "outside providers: contract margin",
    "written_off": "owners: stakes wiped out, at cost",
    "through": "owners: through firms, below",
}


def system_table(dataset: "xr.Dataset") -> Table:
    """Return the table of the system loss, with and without contagion."""
    network, alone = risk.tail_measures(dataset), risk.tail_measures(dataset, world="alone")
    title = f"System loss: what outside lenders and owners lose, once each; USD bn, {discounting(dataset)}"
    table = new_table(title, "", "network", "s.e.", "95 % interval", "paths behind", "no contagion", "s.e.")

    def add(label: str, name: str, form: Callable[[SupportsFloat], str], behind: str, **at: Any) -> None:
        one, other = network.sel(**at), alone.sel(**at)
        interval = f"{form(one[name + '_low'])} to {form(one[name + '_high'])}"
        table.add_row(label, form(one[name]), form(one[name + "_error"]), interval, behind, form(other[name]), form(other[name + "_error"]))

    everything = f"{risk.measures.effective_paths(risk.path_weights(dataset)):,.0f}"
    add("Expected loss", "expected_loss", money, everything)
    add("P(loss > 0), %", "loss_probability", percent, everything)
    for name, label in (("value_at_risk", "VaR"), ("expected_shortfall", "ES")):
        for level in network["level"].values:
            add(f"{label} {100 * level:g} %", name, money, f"{float(network['tail_paths'].sel(level=level)):,.0f}", level=level)
    return table


def part_table(dataset: "xr.Dataset") -> Table:
    """Return the parts of the system loss, and below them what it is at mark and what outside nodes alone book."""
    network, alone = (risk.system_parts(dataset, world=world) for world in ("network", "alone"))
    title = "What the system loss is made of, USD bn. Tail loss: mean in the worst 1 % of the system loss;\nVaR and ES are of each line by itself"
    table = new_table(title, "", "expected\nloss", "s.e.", "tail\nloss", "VaR\n99 %", "ES\n99 %", "s.e.", "no con-\ntagion")

    def add(label: str, one: "xr.Dataset", other: "xr.Dataset") -> None:
        names = ("expected_loss", "expected_loss_error", "tail_loss", "value_at_risk", "expected_shortfall", "expected_shortfall_error")
        table.add_row(label, *map(money, (*(one[name] for name in names), other["expected_loss"])))

    for part, label in PARTS.items():
        if max(abs(one["expected_loss"].sel(part=part).item()) for one in (network, alone)) > ROUNDING:
            add(label, network.sel(part=part), alone.sel(part=part))
    table.add_section()
    add("together: system loss", network.sel(part="system"), alone.sel(part="system"))
    table.add_section()
    add("the same with stakes at their value then", network.sel(part="at_mark"), alone.sel(part="at_mark"))
    add("the same without what goes through firms", network.sel(part="outside"), alone.sel(part="outside"))
    return table


def year_table(dataset: "xr.Dataset") -> Table:
    """Return the system loss by year of the run."""
    losses = risk.losses_by_year(dataset)
    value = risk.mean(risk.base_value(dataset).values, risk.path_weights(dataset))
    title = (
        f"System loss by year, nominal USD bn; worth {money(value.value)} (s.e. {money(value.standard_error)}) on the fixed curve of {dataset.attrs['base']}"
    )
    table = new_table(title, "year to", "expected\nloss", "s.e.", "tail\nloss", "s.e.", "discount\nfactor")
    for year in losses["year"].values:
        one = losses.sel(year=year)
        numbers = (money(one[name]) for name in ("expected_loss", "expected_loss_error", "tail_loss", "tail_loss_error"))
        table.add_row(str(one["year_end"].values), *numbers, f"{float(one['base_discount']):.3f}")
    return table


def bearer_table(dataset: "xr.Dataset") -> Table | None:
    """Return who bears the system loss: outside nodes by channel, and owners through each inside firm; the largest first, and their sum."""
    outside = np.flatnonzero(dataset["outside"].values)
    losses = risk.losses_by_entity(dataset, channels=ENDS).isel(entity=outside)
    parts = [risk.losses_by_entity(dataset, channels=[channel])["expected_loss"].isel(entity=outside) for channel in ENDS]
    through = risk.losses_through(dataset)
    lines: list[tuple[str, list[float]]] = []
    names = ("expected_loss", "expected_loss_error", "tail_loss")
    for k in range(losses.sizes["entity"]):
        one = losses.isel(entity=k)
        lines.append((str(one["entity"].values), [*(float(part.isel(entity=k)) for part in parts), 0.0, *(float(one[name]) for name in names)]))
    for k in range(through.sizes["entity"]):
        one = through.isel(entity=k)
        numbers = [float(one[name]) for name in names]
        lines.append((f"owners of {one['entity'].values}", [0.0] * len(ENDS) + [numbers[0], *numbers]))
    lines = sorted((line for line in lines if any(line[1])), key=lambda line: -line[1][-1])
    if not lines:
        return None
    table = new_table(
        "Who loses in the end, USD bn, largest tail loss first; all together lose the system loss",
        "",
        *ENDS,
        "through\nthe firm",
        "expected\nloss",
        "s.e.",
        "tail\nloss",
    )
    for name, numbers in lines:
        table.add_row(name, *map(money, numbers))
    whole = risk.tail_measures(dataset, levels=TAIL_LEVEL)
    sums = [sum(numbers[k] for _, numbers in lines) for k in range(len(ENDS) + 1)]
    table.add_section()
    table.add_row("together", *map(money, (*sums, whole["expected_loss"], whole["expected_loss_error"], whole["expected_shortfall"].item())))
    return table


def entity_table(dataset: "xr.Dataset") -> Table:
    """Return the losses booked on inside entities by channel, in their order."""
    where = np.flatnonzero(~dataset["outside"].values)
    losses = risk.losses_by_entity(dataset, channels=BORNE).isel(entity=where)
    parts = [risk.losses_by_entity(dataset, channels=[channel])["expected_loss"].isel(entity=where) for channel in BORNE]
    table = new_table(ENTITIES_TITLE, "", *BORNE, "expected\nloss", "s.e.", "tail\nloss")
    for row in range(losses.sizes["entity"]):
        one = losses.isel(entity=row)
        numbers = [*(part.isel(entity=row) for part in parts), *(one[name] for name in ("expected_loss", "expected_loss_error", "tail_loss"))]
        table.add_row(str(one["entity"].values), *map(money, numbers))
    return table


def fleet_table(dataset: "xr.Dataset") -> Table | None:
    """Return the write-downs of fleets by owner; None where there are none."""
    losses = risk.losses_by_entity(dataset, channels=["stranded"])
    title = "Write-downs of fleets (stranded), USD bn: chips without power, or worn out before book life.\nNobody fails of them, and they are in no sum above"
    table = new_table(title, "", "expected\nloss", "s.e.", "tail\nloss")
    for row in np.flatnonzero(losses["expected_loss"].values):
        numbers = (losses[name].isel(entity=row) for name in ("expected_loss", "expected_loss_error", "tail_loss"))
        table.add_row(str(losses["entity"].values[row]), *map(money, numbers))
    return table if table.row_count else None


def deal_table(dataset: "xr.Dataset") -> Table:
    """Return the deals with the largest tail loss. Fleets are no deals; their losses are the channels collateral and stranded."""
    losses = risk.losses_by_deal(dataset)
    losses = losses.isel(deal=np.flatnonzero(losses["deal_kind"].values != OWN))
    worst = np.argsort(-losses["tail_loss"].values, kind="stable")[:MOST_DEALS]
    table = new_table(
        f"Deals: the {min(MOST_DEALS, len(worst))} with the largest tail loss, USD bn; lessors and suppliers of the deal lose too",
        "",
        "kind",
        "payer to payee",
        "expected\nloss",
        "s.e.",
        "tail\nloss",
        left=3,
    )
    for row in worst:
        deal = losses.isel(deal=row)
        parties = " to ".join(dict.fromkeys(str(deal[side].values) for side in ("deal_payer", "deal_payee")))
        numbers = (money(deal[name]) for name in ("expected_loss", "expected_loss_error", "tail_loss"))
        table.add_row(str(deal["deal"].values), str(deal["deal_kind"].values), parties, *numbers)
    return table
