"""The schema of a result: the one list of variables, summaries, coordinates, checks and attributes.

Kernels allocate and fill outputs by it, datasets and stores have its names, types and units, and docs/results.md is made from it.
"""

from typing import Any, NamedTuple

SCHEMA_VERSION = 5


class Variable(NamedTuple):
    """One variable of a result: dims in the order of the Dataset, NumPy dtype, unit and one sentence."""

    dims: tuple[str, ...]
    dtype: str
    unit: str
    long_name: str

    @property
    def about(self) -> dict[str, str]:
        """The attributes every variable carries."""
        return {"units": self.unit, "long_name": self.long_name}


VARIABLES = {
    "loss": Variable(("path", "detail", "entity", "channel"), "f4", "USD bn", "Realised loss borne by the entity through the channel"),
    "deal_loss": Variable(
        ("path", "detail", "deal"), "f4", "USD bn", "Realised loss on the deal: the same dollars as `loss`, by deal instead of by entity and channel"
    ),
    "exposure_at_default": Variable(
        ("path", "detail", "deal"), "f4", "USD bn", "Credit claims on the deal when its payer failed: dues, balance and receivables, nominal; damages are none"
    ),
    "default_loss": Variable(
        ("path", "detail", "deal"), "f4", "USD bn", "What is lost on these claims by the end of the run, nominal, before a guarantor pays: 1 - recovery"
    ),
    "loss_by_year": Variable(
        ("path", "detail", "year", "entity"), "f4", "USD bn", "Realised loss borne by the entity in the year through all channels but stranded, nominal"
    ),
    "system_loss": Variable(
        ("path", "world"), "f8", "USD bn", "Losses where they end, each dollar once: of outside nodes, and of owners through inside entities; stakes at cost"
    ),
    "system_loss_by_year": Variable(("path", "world", "year"), "f8", "USD bn", "The same dollars by year of the run, nominal"),
    "system_loss_at_mark": Variable(("path", "world"), "f8", "USD bn", "The same with lost stakes at their value at the failure instead of their cost"),
    "lender_loss": Variable(("path", "world"), "f8", "USD bn", "Credit losses of outside nodes, a part of system_loss"),
    "owner_loss": Variable(("path", "world"), "f8", "USD bn", "Losses that owners bear through inside entities, a part of system_loss: `borne_through` of all"),
    "outside_loss": Variable(
        ("path", "world"), "f8", "USD bn", "Credit and equity losses booked on outside nodes: nothing that owners bear through a firm that lives"
    ),
    "default_step": Variable(("path", "world", "entity"), "i2", "step", "Step of the first default, distressed exchanges included; -1: none"),
    "default_round": Variable(
        ("path", "world", "entity"),
        "i2",
        "wave",
        "Wave of the clearing in which the entity failed first, from 0; -1: no default; 0 in a world of least clearing",
    ),
    "failure_equity": Variable(
        ("path", "world", "entity"),
        "f4",
        "USD bn",
        "Assets less claims at the first default, before it costs anything; above 0: a liquidity default; 0: no default",
    ),
    "failure_short": Variable(("path", "world", "entity"), "f4", "USD bn", "Dues beyond cash, receipts and funding at the first default"),
    "caused": Variable(("path", "world", "entity"), "f4", "USD bn", "Credit and contract losses of others on the obligations of the entity"),
    "written_off": Variable(("path", "world", "entity"), "f4", "USD bn", "Cost of the stakes in the entity that its defaults wiped out, of all holders"),
    "marked_off": Variable(("path", "world", "entity"), "f4", "USD bn", "Value of these stakes at the default"),
    "borne_through": Variable(
        ("path", "world", "entity"),
        "f4",
        "USD bn",
        "Losses of an inside entity on others that neither its creditors nor those who lost stakes in it bear: its owners do",
    ),
    "mark_change": Variable(("path", "world", "entity"), "f4", "USD bn", "Signed change of marked stakes less cash paid for them; in no sum of losses"),
    "granted": Variable(("path", "world"), "f4", "USD bn", "Money that outside gave to the entities that the world saves; nominal, in no loss"),
    "steps_shut": Variable(("path", "world"), "i2", "steps", "Steps in which the door of the funding market was shut"),
    "interest_paid": Variable(("path", "world"), "f4", "USD bn", "Interest paid by all inside entities"),
    "stranded_gw_years": Variable(("path", "world"), "f4", "GW years", "Built capacity without power, summed over time"),
    "unconverged": Variable(("path", "world"), "i4", "clearings", "Clearings that stopped at the most rounds; their payments are not exact"),
    "log_weight": Variable(("path",), "f8", "1", "Logarithm of the weight of the path, 0 for plain sampling"),
    "factor_summary": Variable(("path", "factor"), "f4", "see factor_unit", "Summary of a risk factor over the path"),
    "delivery": Variable(("path", "process"), "f4", "share", "Share of the planned increase of revenue that arrives"),
    "revenue_final": Variable(("path", "process"), "f4", "USD bn/year", "External revenue in the last step, a year"),
}

# Rows of `factor_summary`: unit and one sentence.
FACTORS = {
    "demand_final": ("share of plan", "demand for AI compute over plan in the last step"),
    "confidence_min": ("share of plan", "lowest confidence of the funding market"),
    "gpu_life": ("years", "true useful life of GPUs"),
    "short_rate_mean": ("1/year", "mean short rate"),
    "spread_mean": ("ratio", "mean credit spread over its opening level"),
    "power_gap_max": ("share", "largest share of planned additions without power"),
    "valuation_min": ("ratio", "lowest valuation index, 1 at the opening"),
    "rental_final": ("ratio", "rental price of compute in the last step, 1 at the opening"),
    "disappointment": ("steps", "steps spent in the regime of disappointment"),
}

COORDINATES = {
    "path": Variable(("path",), "i8", "1", "Number of the path: with the same scenario and seed the same path in every run"),
    "world": Variable(("world",), "str", "1", "Name of the world: the same draws with other channels of contagion"),
    "detail": Variable(("detail",), "str", "1", "World whose losses are kept by channel and deal"),
    "switches_off": Variable(("world",), "str", "1", "Switches that are off in the world, by name"),
    "solution": Variable(("world",), "str", "1", "Clearing vector of every step in the world: greatest or least"),
    "saves": Variable(("world",), "str", "1", "Entities that cannot fail in the world: outside gives them what they are short of; first: who fails first"),
    "year": Variable(("year",), "i8", "1", "Year of the run, 1: the twelve months after the opening"),
    "year_end": Variable(("year",), "str", "1", "Last day of that year, or of the run"),
    "base_discount": Variable(
        ("year",), "f8", "1", "Mean discount factor of the year on the fixed curve: that of `run.curve`, or the base scenario's expected one"
    ),
    "entity": Variable(("entity",), "str", "1", "Id of the entity"),
    "outside": Variable(("entity",), "bool", "1", "True for outside nodes, which always pay and never default"),
    "channel": Variable(("channel",), "str", "1", "How the loss arises"),
    "deal": Variable(("deal",), "str", "1", "Id of the deal or pseudo-deal"),
    "deal_kind": Variable(("deal",), "str", "1", "Kind of the deal"),
    "deal_payer": Variable(("deal",), "str", "1", "Entity that owes the money"),
    "deal_payee": Variable(("deal",), "str", "1", "Entity that is owed the money"),
    "deal_class": Variable(("deal",), "str", "1", "Class of its claims in the waterfall; empty: it has none"),
    "deal_title": Variable(("deal",), "str", "1", "Description of the deal"),
    "process": Variable(("process",), "str", "1", "Entity whose external revenue the process is"),
    "factor": Variable(("factor",), "str", "1", "Name of the path summary of a risk factor"),
    "factor_unit": Variable(("factor",), "str", "1", "Unit of the factor summary"),
    "factor_title": Variable(("factor",), "str", "1", "Description of the factor summary"),
}

# Only in the result of a run that verified the identities (`--check`).
CHECKS = {
    "identity_residual": Variable(("identity",), "f8", "1", "Largest residual of the identity on all paths, relative to its scale, before any rounding to f4"),
    "identity_path": Variable(("identity",), "i8", "1", "Path of the largest residual; -1: it is 0 on all paths"),
    "identity_world": Variable(("identity",), "str", "1", "World of the largest residual"),
    "identity_step": Variable(("identity",), "i2", "step", "Step of the largest residual; -1: of the whole path"),
    "identity_entity": Variable(("identity",), "str", "1", "Entity of the largest residual; empty: of no single one"),
}
CHECK_COORDINATES = {
    "identity": Variable(("identity",), "str", "1", "Name of the identity (docs/model.md, section 7)"),
    "identity_title": Variable(("identity",), "str", "1", "The identity in words"),
    "identity_scale": Variable(("identity",), "str", "1", "Scale of the residual; amounts in USD bn"),
    "identity_tolerance": Variable(("identity",), "f8", "1", "Largest residual that is rounding; a larger one ends the run"),
}

ATTRIBUTES = {
    "library": "`simulate`.",
    "version": "Version of the library that wrote the result.",
    "schema_version": "Version of this schema; another one is refused on opening.",
    "created": "Time of writing, UTC, ISO 8601.",
    "scenario": "Name of the scenario.",
    "base": "Name of the scenario at the root of `extends`: `changes` is against it.",
    "changes": "What differs from that scenario, by key of the scenario file or cell of a table, with the values before and after, as JSON.",
    "warnings": "Numbers that are accepted but not plausible, as sentences, as JSON.",
    "silent": "Mechanisms that are off because a figure or term is blank, as sentences, as JSON.",
    "resolved": "The scenario as run, with everything inherited and overridden, as JSON.",
    "digest": "SHA-256 of the canonical JSON of the scenario as run, tables included.",
    "seed": "Seed of all draws.",
    "paths": "Number of paths.",
    "steps": "Number of steps.",
    "dt": "Length of a step in years.",
    "start": "Date of the opening balance sheets.",
    "money_unit": "Unit of money.",
    "discount": "`short_rate`: losses are discounted on the path's own short rate; `nominal`: they are not.",
    "block_paths": "Paths of a block, which is also the chunk of the store.",
}


THERE = "there"  # value of a row of a table


class Change(NamedTuple):
    """A row of the attribute `changes`: a key with its value before and after; None: not there."""

    key: str
    before: Any
    after: Any

    def __str__(self) -> str:
        if THERE in (self.before, self.after):
            return f"{self.key} {'added' if self.before is None else 'removed'}"
        return f"{self.key} {in_words(self.before)} -> {in_words(self.after)}"


def in_words(value: Any) -> str:
    """Return a value as it is printed."""
    if value is None or value == "" or value == []:
        return "nothing"
    if isinstance(value, list):
        return ", ".join(map(in_words, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def reference() -> str:
    """Return docs/results.md: the schema as Markdown."""
    lines = [
        "# Results",
        "",
        "Variables, coordinates and attributes of a store and of a Dataset. Made from `simulate/schema.py` by `python -m tests.pages results`; do not edit.",
        f"Schema version {SCHEMA_VERSION}. Money is not rounded; a path is weighted by exp(log_weight), normalised.",
    ]
    checked = CHECKS | CHECK_COORDINATES
    for title, variables in (("Variables", VARIABLES), ("Coordinates", COORDINATES), ("Only in a run with `--check`", checked)):
        lines += ["", f"## {title}", "| name | dims | type | unit | meaning |", "|---|---|---|---|---|"]
        lines += [f"| {name} | {', '.join(v.dims)} | {v.dtype} | {v.unit} | {v.long_name} |" for name, v in variables.items()]
    lines += ["", "## Rows of factor_summary", "| factor | unit | meaning |", "|---|---|---|"]
    lines += [f"| {name} | {unit} | {title} |" for name, (unit, title) in FACTORS.items()]
    lines += ["", "## Attributes", "| name | meaning |", "|---|---|"]
    lines += [f"| {name} | {sentence} |" for name, sentence in ATTRIBUTES.items()]
    return "\n".join(lines)
