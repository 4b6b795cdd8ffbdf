"""Section 4.1 of docs/model.md in plain Python: what capacity and which chips are there. Changes nothing."""

from tests.oracle.factors import clip
from tests.oracle.world import ratio


def cost_in_service(history, span, dt, x):
    """F(x) and C(x), the integral of F from 0, of a fleet with F(k dt) = history[k], bought evenly over `span` before 0."""
    if x < 0:
        reach = max(x, -span)
        return history[0] * (1 + reach / span), history[0] * (reach + reach * reach / (2 * span))
    k = min(int(x / dt + 1e-9), len(history) - 1)
    integral = sum((history[m] + history[m + 1]) / 2 * dt for m in range(k))
    rest = max(0.0, x - k * dt)
    slope = (history[k + 1] - history[k]) / dt if k + 1 < len(history) else 0.0
    return history[k] + slope * rest, integral + (history[k] + slope * rest / 2) * rest


def left_of_opening(tau, span, life):
    """Mean share of the cost left after tau years, straight line, of chips whose age at the opening is even over 0 .. span: age a is worth 1 - (a + tau)/life."""
    if tau >= life:
        return 0.0
    if tau + span <= life:
        return 1 - (tau + span / 2) / life
    return (life - tau) ** 2 / (2 * life * span)


def capacity(model, t, now, life, world):
    """4.1: delivered_share [n]; per owner delivered, gw_idle [GW], worn (true and book life), carrying; fleet_value [n]."""
    n, dt, fleet = model.grid.entities, model.grid.dt, model.fleet
    share = [1.0] * n
    fleet_value, opening_value, delivered, gw_idle, worn, worn_book, carrying = [0.0] * n, [0.0] * n, [], [], [], [], []
    for o, i in enumerate(fleet.entity):
        d = max(world.delivered[o], (1 - now["gap"] * fleet.power_exposure[o]) * world.built[o])
        delivered.append(d)
        gw_idle.append(max(0.0, world.built[o] - d) * world.alive[i])
        history, span, begin = world.fleet[o], fleet.fleet_span[o], t * dt
        wear = clip(ratio(world.unreplaced[o], world.installed[o], 0.0), 0.0, 1.0)
        planned = fleet.gw0[o] + fleet.plan_gw[o][t]
        there = world.alive[i] if world.supply else 1.0
        share[i] = min(1.0, ratio((fleet.gw0[o] + d) * (1 - wear), planned)) * there

        def f(x, history=history, span=span):
            return cost_in_service(history, span, dt, x)[0]

        def c(x, history=history, span=span):
            return cost_in_service(history, span, dt, x)[1]

        book = fleet.book_life[o]
        worn.append(f(begin - life) - f(begin - dt - life))
        worn_book.append(f(begin - book) - f(begin - dt - book))
        straight_line = f(begin) - (c(begin) - c(begin - life)) / life
        fleet_value[i] = max(0.0, straight_line) * now["rental"] * world.alive[i]
        opening_value[i] = history[0] * left_of_opening(begin, span, life) * now["rental"] * world.alive[i]
        used = min(life, book)
        kept = f(begin) - f(begin - used) - (c(begin) - c(begin - used) - used * f(begin - used)) / book
        carrying.append(kept)
    return {
        "delivered_share": share,
        "delivered": delivered,
        "gw_idle": gw_idle,
        "worn": worn,
        "worn_book": worn_book,
        "fleet_value": fleet_value,
        "opening_value": opening_value,
        "carrying": carrying,
    }
