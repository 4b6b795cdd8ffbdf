"""The figures of an entity by name: dimension, bounds, default and meaning. One list serves as default, check and documentation."""

from typing import NamedTuple

from simulate.dimensions import DIMENSIONS, Plausible


class FigureKind(NamedTuple):
    """Dimension, meaning and bounds of a figure.

    default: None where it is blank unless given (checks say when it is needed). low, high: accepted; None: as large as the dimension allows.
    usual: plausible; None: as the dimension says. beside: figures of which one must be given for this one to matter.
    """

    dimension: str
    text: str
    default: float | None = 0.0
    low: float | None = 0.0
    high: float | None = None
    yearly: bool = False
    price: bool = False  # a market price: known on the opening day
    usual: Plausible | None = None
    beside: tuple[str, ...] = ()

    @property
    def accepted(self) -> tuple[float, float]:
        """Least and greatest value that is accepted."""
        most = DIMENSIONS[self.dimension].most
        return -most if self.low is None else self.low, most if self.high is None else self.high

    @property
    def plausible(self) -> Plausible | None:
        """Range in which it usually lies; None: wherever it is accepted."""
        return self.usual or DIMENSIONS[self.dimension].plausible


def yearly(text: str, low: float | None = 0.0, usual: Plausible | None = None) -> FigureKind:
    """A figure by calendar year, USD bn a year."""
    return FigureKind("flow", text, None, low, None, True, usual=usual)


FLEET = ("gw", "fleet_cost")
PROCESS = ("process_sd0",)
CAPEX = ("plan_capex", *FLEET)
CORE = ("core_on", "core_value")
REVENUE = ("plan_revenue", "plan_ocf")
FUND = ("fund_phi", "fund_advance", "fund_flat")
DEBT = ("fund_advance", "fund_flat", "credit_line")
FIGURES = {
    # Opening balance sheet.
    "cash": FigureKind("money", "cash and liquid securities", None, usual=Plausible(0, 500)),
    "min_cash": FigureKind("money", "cash that discretionary spending leaves untouched", usual=Plausible(0, 200)),
    "credit_line": FigureKind("money", "undrawn committed line; counted down when drawn", usual=Plausible(0, 200)),
    "equity_value": FigureKind("money", "price of the whole equity", None, price=True, usual=Plausible(0, 10_000)),
    "reported_debt": FigureKind("money", "debt as reported; listed debt deals are part of it", None),
    "outside_cost": FigureKind("money", "paid-in capital of outside holders"),
    # Debt outside the network.
    "debt_rate": FigureKind("rate", "fixed part of the rate on debt outside the network", beside=("reported_debt",)),
    "debt_float": FigureKind("number", "multiple of the short rate on that debt", high=1.0, beside=("reported_debt",)),
    "debt_margin": FigureKind("rate", "margin on that debt at a spread ratio of 1", beside=("reported_debt",)),
    "debt_tenor": FigureKind("years", "new debt is repaid at 1/tenor a year", 5.0, low=0.25, usual=Plausible(0.5, 40), beside=DEBT),
    "new_debt_margin": FigureKind("rate", "margin of new debt over the short rate", beside=DEBT),
    "spread_sd": FigureKind(
        "number", "volatility of its own credit spread, per square root of a year", usual=Plausible(0, 3), beside=("debt_margin", "new_debt_margin")
    ),
    "debt_principal": yearly("principal of the debt outside the network that falls due"),
    # Revenue.
    "opening_revenue": FigureKind("quarterly money", "revenue of the quarter before the opening", None),
    "process_loading": FigureKind("number", "loading of the revenue shock on the demand driver", low=-1.0, high=1.0, beside=PROCESS),
    "process_sd0": FigureKind(
        "number", "volatility of revenue at the opening, per square root of a year; gives the entity a process of its own", None, usual=Plausible(0, 2)
    ),
    "process_sd1": FigureKind("number", "volatility of revenue in the long run; blank: as at the opening", None, usual=Plausible(0, 2), beside=PROCESS),
    "process_sd_tau": FigureKind("years", "years in which the volatility falls to the long run", 2.0, low=0.01, usual=Plausible(0.1, 20), beside=PROCESS),
    "growth_sd": FigureKind("number", "volatility of log growth, per year per square root of a year", usual=Plausible(0, 1), beside=PROCESS),
    "growth0": FigureKind("number", "log growth a year above plan at the opening", low=None, usual=Plausible(-2, 3), beside=PROCESS),
    "growth_sd0": FigureKind("number", "standard deviation of log growth a year at the opening", usual=Plausible(0, 2), beside=PROCESS),
    "growth_decay": FigureKind("rate", "mean reversion of growth", 1.0, low=0.01, usual=Plausible(0.05, 20), beside=PROCESS),
    "regime_shift": FigureKind("rate", "change of log growth a year in disappointment", low=None, usual=Plausible(-2, 0.5), beside=PROCESS),
    "surprise_sd": FigureKind(
        "number",
        "volatility of revenue around plan and demand, per square root of a year, without a process of its own",
        usual=Plausible(0, 0.5),
        beside=REVENUE,
    ),
    "ai_share": FigureKind("share", "share of external revenue that follows the index", high=1.0, beside=REVENUE),
    "rental_share": FigureKind("share", "share of external revenue that follows the rental price", high=1.0, beside=FLEET),
    "capacity_share": FigureKind("share", "share of external revenue that follows delivered capacity (owners)", high=1.0, beside=FLEET),
    "headroom": FigureKind("number", "revenue possible per planned capacity over plan", None, usual=Plausible(0.5, 5)),
    "own_compute": FigureKind("share", "share of supply that is its own", high=1.0, beside=("headroom",)),
    "spot_share": FigureKind(
        "share", "share of the compute it needs and providers fail to deliver that it buys at the rental price", high=1.0, beside=("headroom",)
    ),
    "contract_floor": FigureKind("share", "least compute under contract over plan when revenue falls short", 1.0, high=1.0, beside=PROCESS),
    "contract_ceiling": FigureKind("number", "most compute under contract over plan when revenue grows", 1.0, low=1.0, usual=Plausible(1, 10), beside=PROCESS),
    "contract_years": FigureKind("years", "years in which contracts follow revenue", 1.0, low=0.01, usual=Plausible(0.1, 5), beside=PROCESS),
    "cancel_fee": FigureKind("years", "payment for compute that is given up", 0.0, low=0.0, usual=Plausible(0, 3), beside=PROCESS),
    "plan_revenue": yearly("revenue as planned"),
    "plan_fcf": yearly("free cash flow as planned, after interest and capex", low=None, usual=Plausible(-500, 500)),
    "plan_ocf": yearly("operating cash flow as planned, after interest and before capex", low=None, usual=Plausible(-500, 1000)),
    # Cost.
    "cost_var": FigureKind("share", "cost a dollar of external revenue"),
    "cost_follow": FigureKind("share", "share of fixed cost that follows the compute under contract", high=1.0, beside=PROCESS),
    "ebitda_margin": FigureKind("share", "EBITDA over revenue (bridge margin)", None, high=1.0),
    "cost_fixed_share": FigureKind("share", "share of cost that is fixed (bridge margin)", 1.0, high=1.0, beside=("ebitda_margin",)),
    "flex": FigureKind("share", "share of fixed cost that can be cut when the runway is short", high=1.0, beside=("plan_fcf", "ebitda_margin")),
    "runway_years": FigureKind("years", "runway under which cost is cut", 1.0, low=0.01, usual=Plausible(0.05, 5), beside=("flex",)),
    # Funding and spending.
    "prefund_years": FigureKind("years", "years of planned burn held in cash while the market is open", usual=Plausible(0, 5), beside=FUND),
    "cash_buffer": FigureKind("money", "cash held above the minimum while the market is open", usual=Plausible(0, 500)),
    "payout": FigureKind("quarterly share", "share of the surplus paid out a quarter", high=1.0),
    "payout_above": FigureKind("money", "cash above which there is a surplus", usual=Plausible(0, 500), beside=("payout",)),
    "insider": FigureKind("share", "share of funding that stays open when the market shuts", high=1.0, beside=FUND),
    "fund_phi": FigureKind("quarterly share", "new equity a quarter over equity value, raised where debt does not reach", high=1.0, usual=Plausible(0, 0.25)),
    "rescue": FigureKind(
        "quarterly share", "most that a last-resort issue brings a quarter, over equity value, whatever the door", high=1.0, usual=Plausible(0, 0.3)
    ),
    "fund_advance": FigureKind("number", "new debt over desired capex", usual=Plausible(0, 1.5), beside=CAPEX),
    "fund_flat": FigureKind("flow", "new debt a year in any case", usual=Plausible(0, 500)),
    "fund_leverage": FigureKind("number", "headroom: debt over forward EBITDA", None, usual=Plausible(0, 15)),
    "fund_ltv": FigureKind("share", "headroom: debt over holdings", None, high=1.0),
    "committed": FigureKind("share", "share of desired capex that is contracted", high=1.0, beside=CAPEX),
    "follow": FigureKind("number", "reaction of desired capex to receipts over plan", usual=Plausible(0, 2), beside=CAPEX),
    "power_follow": FigureKind("number", "reaction of desired capex to the power gap", high=1.0, beside=CAPEX),
    "kappa": FigureKind("share", "share of funding room left that is spent on capex", high=1.0, beside=CAPEX),
    "plan_capex": yearly("capital expenditure as planned"),
    # Equity.
    "core_value": FigureKind("money", "value of assets beside business and fleet; blank: solved when core_on", None, usual=Plausible(0, 10_000)),
    "core_beta": FigureKind("number", "elasticity of the core value to the valuation index", 1.0, high=10.0, usual=Plausible(0, 3), beside=CORE),
    "core_haircut": FigureKind("share", "loss on the core value in a liquidation", high=1.0, beside=CORE),
    "value_sd": FigureKind(
        "number",
        "volatility of what its equity is valued at, beside the common index, per square root of a year",
        usual=Plausible(0, 2),
        beside=("equity_value",),
    ),
    "order_share": FigureKind("share", "share of the core value that follows receipts over plan", high=1.0, beside=CORE),
    "core_on": FigureKind("flag", "1: the opening value is solved in the core, 0: in the multiple", high=1.0),
    "mult_mature": FigureKind("number", "multiple on annual receipts in the long run", usual=Plausible(0, 50), beside=("equity_value",)),
    "mult_tau": FigureKind("years", "years in which the multiple fades", 1.5, low=0.01, usual=Plausible(0.1, 20), beside=("equity_value",)),
    # Fleet; gw or fleet_cost makes an owner, which needs cost_per_gw and the other figures.
    "fleet_cost": FigureKind("money", "cost of the chips in service at the opening", None),
    "fleet_span": FigureKind("years", "years over which they were bought, evenly", 3.0, low=0.01, usual=Plausible(0.1, 15), beside=FLEET),
    "book_life": FigureKind("years", "accounting life of chips", None, low=0.25, usual=Plausible(1, 15)),
    "gw": FigureKind("gw", "power of the fleet at the opening", None),
    "power_exposure": FigureKind("number", "share of the power gap that hits its additions", 1.0, high=1.0, beside=FLEET),
    "cost_per_gw": FigureKind("money per gw", "capital expenditure a GW", None, low=0.01),
    "chip_of_capex": FigureKind("share", "share of capex that buys chips", None, high=1.0),
    "replace_price": FigureKind("number", "price of a replacement over the cost of the worn chip", 1.0, usual=Plausible(0, 2), beside=FLEET),
}
