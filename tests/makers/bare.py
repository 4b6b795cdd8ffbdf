"""Networks with nothing but cash, scheduled payments, stakes and guarantees: small enough to be worked out by hand on one page."""

import numpy as np

from simulate.model import GUARANTEE, SCHEDULED, Entities, Fleet, Grid, Holdings, Model
from tests.makers.tiny import BY_STEP_OF_ENTITY, INTEGER_OF_ENTITY, calm_factors, change_rows, freeze, make_factors, make_legs, make_rules

LENDER = "lender"  # outside: creditors, and owners of what nobody else owns
NOT_ZERO = {"headroom": 1.0, "runway_years": 1.0, "mult_tau": 1.0, "revenue_process": -1, "owner": -1, "new_debt_leg": -1, "fails_step": -1}
NOT_ZERO |= {"surprise": -1, "value_move": -1, "spread_move": -1}


def bare_model(cash, owed, stakes=(), guarantees=(), steps=4, core=None, rules=None) -> Model:
    """cash {firm: amount}; owed: (payer, payee, amounts by step), a contract whose payee loses what is not taken; stakes: (holder, issuer, share, cost);
    guarantees: (guarantor, number of the leg in `owed`, share, cap); core {firm: value that no creditor gets}, of firms that are valued."""
    core = core or {}
    names = (*cash, LENDER, "insurer")
    row = {name: i for i, name in enumerate(names)}
    legs = [
        dict(payer=row[payer], payee=row[payee], driver=SCHEDULED, sched=list(amounts), operating=1.0, contract=1.0 * (payee in cash))
        for payer, payee, amounts in owed
    ]
    legs += [dict(payer=row[who], payee=legs[of]["payee"], driver=GUARANTEE, covers=of, cover_share=share, cover_cap=cap) for who, of, share, cap in guarantees]
    deals = len(legs) + len(stakes)
    model = Model(
        grid=Grid(steps, 0.25, len(names), row["insurer"], row[LENDER], deals),
        factors=change_rows(make_factors(0, steps, 0.25), calm_factors(steps)),
        entities=entities_of(names, cash, core, steps),
        fleet=Fleet(
            *(np.zeros((0, steps)) if name == "plan_gw" else np.zeros(0, int if name in ("entity", "stranded_deal") else float) for name in Fleet._fields)
        ),
        legs=make_legs(legs, steps),
        holdings=holdings_of(row, stakes, len(legs)),
        rules=make_rules()._replace(**{"alpha": 1.0, "beta": 1.0} | (rules or {})),
    )
    return Model(*(freeze(group) for group in model))


def entities_of(names, cash, core, steps):
    fields = {}
    for name in Entities._fields:
        values = [NOT_ZERO.get(name, 0.0)] * len(names)
        if name == "outside":
            values = [float(entity not in cash) for entity in names]
        elif name == "cash0":
            values = [float(cash.get(entity, 0.0)) for entity in names]
        elif name in ("core0", "equity0"):
            values = [float(core.get(entity, 0.0)) for entity in names]
        elif name == "core_haircut":
            values = [1.0] * len(names)
        kind = np.int64 if name in INTEGER_OF_ENTITY else np.float64
        fields[name] = np.tile(np.array(values, float)[:, None], steps) if name in BY_STEP_OF_ENTITY else np.array(values, kind)
    return Entities(**fields)


def holdings_of(row, stakes, first_deal):
    outside_of = np.full(len(row), -1)
    for k, (holder, issuer, _, _) in enumerate(stakes):
        if holder == LENDER:
            outside_of[row[issuer]] = k
    columns = [[row[stake[0]] for stake in stakes], [row[stake[1]] for stake in stakes], [float(s[2]) for s in stakes], [float(s[3]) for s in stakes]]
    kinds = (np.int64, np.int64, np.float64, np.float64)
    return Holdings(*(np.array(column, kind) for column, kind in zip(columns, kinds)), first_deal + np.arange(len(stakes)), outside_of)
