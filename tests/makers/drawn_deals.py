"""People and deals of a drawn network (tests/makers/drawn.py): entities with what deals must know of them, and deals made by their kinds."""

from dataclasses import replace
from datetime import date

import numpy as np
from hypothesis import strategies as st

from simulate.deals import KINDS
from simulate.deals.kind import Deal
from simulate.deals.legs import DAYS_OF_TERMS, Balance, Capex, Guarantee, HoldingDraft, LegDraft, Opex

MARKET, OPERATIONS = "market", "operations"
ALIASES = {"construction": OPERATIONS, "chip_suppliers": OPERATIONS, "lessors": MARKET}
GOLDEN = 0.6180339887498949
DEBTS = ("bond", "loan", "gpu_loan")
PLACES = {size: st.integers(0, size - 1) for size in range(2, 40)}


class Dice:
    """Draws from pools. Numbers are bent off their pool by a share that depends on the place of the draw alone: no ties, and still shrinks."""

    def __init__(self, draw, edges, rings=False):
        self.draw, self.edges, self.rings, self.count = draw, edges, rings, 0

    def pick(self, *pool):
        return pool[self.draw(PLACES[len(pool)])] if len(pool) > 1 else pool[0]

    def flag(self, often=1):
        """True in one of 1 + often draws."""
        return bool(self.pick(*[0] * often, 1))

    def odd(self, value):
        self.count += 1
        return value if self.edges else value * (1.0 + 0.2 * (self.count * GOLDEN % 1.0))

    def share(self):
        return self.pick(0.0, 1.0, *(self.odd(part) for part in (0.1, 0.3, 0.5, 0.8)))

    def money(self):
        if self.edges:
            return self.pick(0.0, 0.1, 0.2, 0.3, 0.6, 1.0)
        return self.odd(self.pick(1.0, 0.0, 0.3, 2.0, 5.0, 5.0, 12.0, 12.0, 40.0, 0.01, 1000.0))

    def some(self):
        """Money of ordinary size."""
        return self.money() if self.edges else self.odd(self.pick(1.0, 0.3, 3.0, 8.0, 0.0))

    def by_step(self, steps, base):
        """[T] flat, growing, from the middle on, until the middle."""
        t = np.arange(steps)
        kind = self.pick("flat", "grows", "later", "ends")
        return base * {"flat": np.ones(steps), "grows": 1.15**t, "later": 1.0 * (t >= steps // 2), "ends": 1.0 * (t <= steps // 2)}[kind]


class Person:
    """What deals must know of an inside entity, and its figures."""

    def __init__(self, dice, name, steps, calendar):
        self.id, self.outside = name, False
        self.process, self.owner, self.spends = dice.flag(), dice.flag(), dice.flag()
        self.lab = self.process and dice.flag(2)
        self.value = dice.pick(None, 0.0, *[dice.odd(x) for x in (3.0, 30.0, 300.0)])
        self.costs = dice.flag(2) if dice.edges or dice.rings else not dice.flag(3)
        self.restructures = dice.flag()
        self.figures = {"own_compute": dice.share(), "headroom": 1.0}
        self.capex = dice.some() * dice.pick(1.0, 1.1) ** np.arange(steps) if self.spends else np.zeros(steps)
        self.spends = bool(self.capex.any())
        # market money: nothing, new shares, debt; a line needs the debt leg too
        self.line = dice.pick(0.0, 0.0, dice.some())
        self.phi = dice.pick(0.0, 0.04, 1.0) if self.value is not None else 0.0
        self.advance, self.flat = (0.0, 0.0) if self.phi and dice.flag() else (dice.pick(0.0, dice.share()), dice.pick(0.0, dice.some() * calendar.dt))
        self.borrows = any((self.line, self.advance, self.flat))
        self.opening_debt = dice.pick(0.0, dice.some(), dice.money())


class Deals:
    """Leg and holding drafts of the deals and of the standing legs, and rows of deal_loss."""

    def __init__(self, dice, people, groups, calendar):
        self.dice, self.people, self.calendar, self.groups = dice, people, calendar, groups
        self.legs, self.holdings, self.deals = [], [], {}
        self.sold = {person.id: 0.0 for person in people}
        self.pledged = {}
        stakes = [self.stake(k) for k in range(dice.pick(0, 1, 2, len(people)))]
        self.stakes = [stake for stake in stakes if stake]
        if len(people) > 1 and (dice.edges or dice.rings or dice.flag(2)):
            self.circle()
        for k in range(dice.pick(*range(0, 4 + len(people)))):
            self.deal(k)
        for k in range(dice.pick(0, 0, 1, 2)):
            self.commitment(f"commitment{k}", self.anybody(outside=3))
        covered = [leg for leg in self.legs if not isinstance(leg.driver, Guarantee) and leg.name in self.deals and leg.seniority < 4]
        if len(people) > 2 and dice.flag(2):
            covered += self.chain()
        shares = {}
        for k in range(dice.pick(0, 0, 1, 2, 4) if covered else 0):
            self.guarantee(f"cover{k}", dice.pick(*covered[-30:]), shares)
        self.standing()
        self.legs.sort(key=lambda leg: isinstance(leg.driver, Guarantee))
        for person in people:
            if person.value is not None:
                name = f"equity:{person.id}"
                self.deals[name] = None
                self.holdings.append(HoldingDraft(name, MARKET, person.id, max(0.0, 1.0 - self.sold[person.id]), dice.some()))

    def anybody(self, *but, outside=6):
        """An inside entity, or the market in one of 1 + outside draws."""
        pool = [person.id for person in self.people if person.id not in but]
        if MARKET not in but and (not pool or self.dice.flag(outside)):
            return MARKET
        return self.dice.pick(*pool)

    def make(self, kind, name, payer, payee, *, amount=0.0, group="", start=date(2025, 6, 30), end=None, schedule=None, **terms):
        """Draft a deal by its kind."""
        terms = {key: value for key, value in terms.items() if value is not None}
        given = KINDS[kind].terms(**terms)
        deal = Deal(name, kind, payer, payee, amount, "binding", group, None, start, end, "", "", given, schedule or {}, 0.0, "", 0)
        drafts = KINDS[kind].draft(deal, self.calendar)
        self.legs.extend(replace(leg, payee=ALIASES.get(leg.payee, leg.payee)) for leg in drafts.legs)
        self.holdings.extend(drafts.holdings)
        self.deals[name] = kind
        return self.legs[-1] if drafts.legs else None

    def years(self, amount):
        """A schedule: an amount of each year, some years none."""
        return {year: amount * self.calendar.steps_a_year * self.dice.pick(1.0, 1.5, 0.0) for year in self.calendar.years}

    def pledge(self, what):
        """A share of what is not pledged yet."""
        share = self.dice.share() * (1.0 - self.pledged.get(what, 0.0))
        self.pledged[what] = self.pledged.get(what, 0.0) + share
        return share

    def stake(self, k):
        dice = self.dice
        valued = [person.id for person in self.people if person.value is not None]
        if not valued:
            return None
        issuer = dice.pick(*valued)
        holder = self.anybody(issuer)
        share = dice.share() * (1.0 - self.sold[issuer])
        self.sold[issuer] += share
        self.make("equity_stake", f"stake{k}", holder, issuer, share=share, cost=dice.some())
        return f"stake{k}", holder

    def group(self):
        return self.dice.pick("", "", *(f"group{g}" for g in range(1, self.groups)))

    def deal(self, k):
        """One deal of any kind but stakes and guarantees."""
        dice = self.dice
        kind = dice.pick("bond", "compute_contract", "lease", "hardware_purchase", "loan", "gpu_loan", "compute_contract", "equity_commitment", "gpu_loan")
        name = f"d{k}"
        payer = self.anybody(outside=12)
        payee = self.anybody(payer, outside=2)
        if kind == "equity_commitment":
            self.commitment(name, payer)
        elif kind in DEBTS:
            self.debt(kind, name, payer if payer != MARKET else dice.pick(*(p.id for p in self.people)), dice.flag(2))
        else:
            self.contract(kind, name, payer, payee)

    def contract(self, kind, name, payer, payee):
        dice = self.dice
        most = DAYS_OF_TERMS * self.calendar.dt
        days = min(dice.pick(0.0, 20.0, 45.0, most), most)
        rank = dice.pick(None, 0, 2, 3)
        payments, group = {"payment": self.years(dice.some())}, self.group()
        start = dice.pick(date(2025, 6, 30), date(2026, 3, 31))
        end = dice.pick(None, date(2026, 9, 30))
        if kind == "compute_contract" and dice.flag(3):
            ratio = {"payment": {year: dice.share() * 0.4 for year in self.calendar.years}}
            self.make(kind, name, payer, payee, group=group, start=start, end=end, schedule=ratio, revenue_share=1.0, days=days, **{"class": rank})
        elif kind == "compute_contract":
            terms = {key: dice.share() for key in ("follow", "relet", "saved", "damages")}
            terms |= {key: float(dice.flag()) for key in ("haircut", "host_delivers", "supply")}
            self.make(kind, name, payer, payee, group=group, start=start, end=end, schedule=payments, days=days, **terms, **{"class": rank})
        elif kind == "lease":
            terms = {key: dice.share() for key in ("follow", "damages")} | {key: float(dice.flag()) for key in ("haircut", "ends_with_payee")}
            self.make(kind, name, payer, payee, group=group, start=start, end=end, schedule=payments, days=days, **terms, **{"class": rank})
        else:
            financed = dice.pick(0.0, dice.share()) if payer != MARKET else 0.0  # draws of an outside node are nobody's
            if financed == 1.0 and not dice.edges:
                financed = 0.97  # who owes nothing but what is lent in full has exactly what it owes
            terms = {"margin": dice.share(), "replaces": dice.share(), "financed_share": financed, "finance_years": dice.pick(1.0, 0.3, 4.0)}
            terms["finance_rate"] = dice.pick(0.08, 2.0)
            self.make(kind, name, payer, payee, group=group, start=start, schedule=payments, **terms, **{"class": rank})

    def debt(self, kind, name, payer, drawn):
        dice = self.dice
        payee = MARKET if drawn else self.anybody(payer, outside=2)
        group = self.group() if drawn else ""
        schedule = {"principal": self.years(dice.some() * 0.2)}
        if drawn:
            schedule["draw"] = self.years(dice.some())
        terms = {"rate": dice.pick(0.05, 0.0, 0.4, 10.0), "float": dice.pick(0.0, 1.0), "margin": dice.pick(0.0, 0.03, 1.0)}
        terms["class"] = dice.pick(None, None, 0, 1, 2, 3)
        collateral = kind == "gpu_loan" or dice.flag()
        terms["fleet_share"] = self.pledge(("fleet", payer)) if collateral else 0.0
        terms["later_share"] = self.pledge(("later fleet", payer)) if collateral else 0.0
        terms["core_share"] = self.pledge(("core", payer)) if collateral else 0.0
        if kind == "gpu_loan":
            terms["ltv"] = dice.pick(0.0, 0.7, 1.0)
            own = [stake for stake, holder in self.stakes if holder == payer]
            if own and dice.flag():
                terms["stake_deal"] = dice.pick(*own)
                terms["stake_share"] = self.pledge(terms["stake_deal"])
        else:
            terms["secured"] = float(collateral)
            terms["subordinated"] = float(not collateral and dice.flag())
        end = dice.pick(None, date(2026, 3, 31), date(2026, 12, 31))
        self.make(kind, name, payer, payee, amount=0.0 if group else dice.money(), group=group, end=end, schedule=schedule, **terms)

    def commitment(self, name, payer):
        dice = self.dice
        valued = [person.id for person in self.people if person.value is not None and person.id != payer]
        if not valued:
            return
        payee = dice.pick(*valued)
        owners = [person.id for person in self.people if person.owner]
        gate = dice.pick(*owners) if owners and dice.flag() else ""
        stake = dice.share() * (1.0 - self.sold[payee])
        self.sold[payee] += stake
        terms = {"stake0": stake, "cost0": dice.some()} | ({"gate_host": gate, "gate_gw": dice.odd(dice.pick(0.01, 0.05, 0.2))} if gate else {})
        self.make("equity_commitment", name, payer, payee, group=self.group(), schedule={"payment": self.years(dice.some())}, **terms)

    def circle(self):
        """Everybody owes the next about the same: a loop that needs next to no cash from outside."""
        amount, ring = (
            (self.dice.some() + 0.1) * self.dice.pick(*(100.0, 1000.0) if self.dice.rings else (1.0, 10.0, 100.0)),
            [person.id for person in self.people],
        )
        for i, payer in enumerate(ring):
            owed = amount if self.dice.rings else self.dice.odd(amount)
            self.make("lease", f"ring{i}", payer, ring[(i + 1) % len(ring)], schedule={"payment": self.years_flat(owed)})

    def years_flat(self, amount):
        return {year: amount * self.calendar.steps_a_year for year in self.calendar.years}

    def chain(self):
        """Bonds in a row: i+1 owes i and guarantees the bond of i, and is itself guaranteed by i+2."""
        ring, bonds = [person.id for person in self.people], []
        for i in range(len(ring) - 1):
            terms = {"rate": 0.05, "subordinated": float(self.dice.flag())}
            bonds.append(self.make("bond", f"chain{i}", ring[i + 1], ring[i], amount=self.dice.money(), end=self.dice.pick(date(2026, 3, 31), None), **terms))
        for i, bond in enumerate(bonds[:-1]):
            terms = {"share": self.dice.pick(1.0, 0.5), "cap": self.dice.money() + 0.1, "class": self.dice.pick(2, 0, 3)}
            self.make("guarantee", f"chain_cover{i}", ring[i + 2], ring[i], covers=bond.name, **terms)
        return bonds[-1:]

    def guarantee(self, name, leg, shares):
        left = 1.0 - shares.get(leg.name, 0.0)
        share = left * self.dice.pick(1.0, 0.5, self.dice.share())
        guarantor = self.anybody(leg.payer, leg.payee, outside=8) if len(self.people) > 1 or MARKET not in (leg.payer, leg.payee) else None
        if guarantor is None or guarantor in (leg.payer, leg.payee):
            return
        shares[leg.name] = shares.get(leg.name, 0.0) + share
        terms = {"share": share, "cap": self.dice.money() + 0.1, "class": self.dice.pick(2, 0, 3)}
        self.make("guarantee", name, guarantor, leg.payee, covers=leg.name, **terms)

    def standing(self):
        """As simulate/compile/standing.py: operating cost, debt outside, new debt, capex."""
        dice, zero = self.dice, np.zeros(self.calendar.steps)
        for person in self.people:
            found = []
            if person.costs:
                found.append(dict(name=f"opex:{person.id}", payee=OPERATIONS, driver=Opex(), seniority=0, operating=1.0))
            if person.opening_debt > 0:
                principal = np.full(self.calendar.steps, person.opening_debt * dice.pick(0.0, 0.05, 0.5))
                terms = dict(rate_fixed=dice.pick(0.05, 0.0, 10.0), rate_float=dice.pick(0.0, 1.0), rate_spread=dice.pick(0.0, 0.02))
                found.append(dict(name=f"debt:{person.id}", payee=MARKET, driver=Balance(zero, principal, person.opening_debt, **terms)))
            if person.borrows:
                repaid = min(1.0, self.calendar.dt / dice.pick(5.0, 0.25))
                loan = Balance(zero, zero, repaid=repaid, rate_float=1.0, rate_spread=dice.pick(0.03, 0.0, 1.0))
                found.append(dict(name=f"new_debt:{person.id}", payee=MARKET, driver=loan))
            if person.spends or person.owner:
                growth, chips = dice.pick(0.0, dice.share()), dice.pick(0.0, dice.share())
                vendors = [other.id for other in self.people if other.id != person.id]
                if vendors and growth > 0:
                    name = f"capex:{person.id}:vendor"
                    found.append(dict(name=name, payee=dice.pick(*vendors), driver=Capex(growth, chips), operating=1.0))
                else:
                    growth = chips = 0.0
                found.append(dict(name=f"capex:{person.id}", payee=OPERATIONS, driver=Capex(1.0 - growth, 1.0 - chips), operating=1.0))
            for leg in found:
                self.legs.append(LegDraft(deal=leg["name"], payer=person.id, **leg))
                self.deals[leg["name"]] = None
            if person.owner:
                self.deals[f"own:{person.id}"] = None
