"""Mutants of what the command line says: `--set`, `--shock` and sizes of a run."""

from datetime import date
from functools import cache
from pathlib import Path
from random import Random

from pydantic import BaseModel

from simulate.deals import KINDS
from simulate.network.figures import FIGURES
from simulate.scenario.load import load_scenario
from tests.fuzz.texts import toml_value
from tests.fuzz.values import DATES, any_value, near
from tests.makers.small import SMALL

SHOCKS = ("deals.{}.ends", "deals.{}.rate", "entities.{}.cash", "entities.{}.revenue", "entities.{}.revenue_from", "entities.{}.fails")


@cache
def parameters() -> tuple[tuple[str, object], ...]:
    """Every key of the sections, with its value in the small scenario."""
    scenario = load_scenario(SMALL)

    def walk(section: BaseModel, key: str):
        for name in type(section).model_fields:
            value = getattr(section, name)
            yield f"{key}{name}", value
            if isinstance(value, BaseModel):
                yield from walk(value, f"{key}{name}.")

    return tuple(found for name in ("run", "drivers", "factors", "rules", "worlds", "shocks") for found in walk_any(name, getattr(scenario, name), walk))


def walk_any(name: str, value: object, walk) -> list[tuple[str, object]]:
    """Walk a section, or sections by name."""
    if isinstance(value, dict):
        return [found for key, part in value.items() for found in walk(part, f"{name}.{key}.")]
    return list(walk(value, f"{name}."))  # type: ignore[arg-type]


def set_keys(folder: Path, dice: Random) -> tuple[list[str], str]:
    """Draw overrides; returns arguments, and the same as text."""
    given = [draw_override(dice) for _ in range(dice.choice((1, 1, 2, 3)))]
    return [part for each in given for part in ("--set", each)], str(given)[:300]


def draw_override(dice: Random) -> str:
    """Draw one override: mostly a key that exists."""
    how = dice.random()
    if how < 0.4:
        key, old = dice.choice(parameters())
        return f"{key}={near(str(old), dice) if dice.random() < 0.6 else toml_value(dice)}"
    scenario = load_scenario_once()
    if how < 0.85:
        table = dice.choice(("figures", "figures", "terms", "terms", "schedules", "deals", "entities", "vendors"))
        row = dice.choice(scenario.network.rows[table])
        key = key_of(table, dict(row), dice)
        old = str(dict(row).get("value", ""))
        return f"{table}.{key}={near(old, dice) if dice.random() < 0.7 else any_value(dice)}"
    if how < 0.95:
        key, _ = dice.choice(parameters())
        broken = dice.choice((key + "x", key.replace(".", "..", 1), key.partition(".")[0], key.upper(), "." + key, key + ".", key + ".x", f"'{key}'", ""))
        return f"{broken}={toml_value(dice)}"
    return dice.choice((any_value(dice), any_value(dice) + "=" + any_value(dice)))


@cache
def load_scenario_once():
    """The small scenario."""
    return load_scenario(SMALL)


def key_of(table: str, row: dict[str, str], dice: Random) -> str:
    """Return the key of a cell of a row, or of one that the table could have."""
    if table == "figures":
        name = row["figure"] if dice.random() < 0.5 else dice.choice(list(FIGURES))
        return ".".join([row["entity"], name, *([row["year"]] if row["year"] and dice.random() < 0.8 else [])])
    if table == "terms":
        others = list(dice.choice(list(KINDS.values())).terms.model_fields)
        return f"{row['deal']}.{row['term'] if dice.random() < 0.6 or not others else dice.choice(others)}"
    if table == "schedules":
        return f"{row['deal']}.{row['item']}.{row['year'] if dice.random() < 0.8 else dice.choice(('2026', '2040', '26', 'x'))}"
    if table == "vendors":
        return f"{row['entity']}.{row['vendor']}.{dice.choice(('share', 'margin', 'x'))}"
    return f"{row['id']}.{dice.choice(list(row))}"


def set_shocks(folder: Path, dice: Random) -> tuple[list[str], str]:
    """Draw shocks; returns arguments, and the same as text."""
    network = load_scenario_once().network
    names = {"deals": [row["id"] for row in network.rows["deals"]], "entities": [row["id"] for row in network.rows["entities"]]}
    given = []
    for _ in range(dice.choice((1, 1, 2, 3))):
        shape = dice.choice(SHOCKS)
        key = shape.format(dice.choice(names[shape.partition(".")[0]] if dice.random() < 0.95 else ["nobody", "", "a.b"]))
        given.append(f"{key}={draw_value(key, dice)}")
    return [part for each in given for part in ("--shock", each)], str(given)[:300]


def draw_value(key: str, dice: Random) -> str:
    """Draw the value of a shock: mostly a good one."""
    dated, good = key.endswith(("ends", "fails", "from")), dice.random() < 0.75
    if dated and good:
        return date.fromordinal(dice.randrange(date(2025, 12, 1).toordinal(), date(2031, 2, 1).toordinal())).isoformat()
    if dated:
        return dice.choice(DATES)
    if good:
        return str(dice.choice((0.02, -0.01, 0, 1, 0.5, 3) if key.endswith(("rate", "revenue")) else (-35, 10, -1000, 0.5)))
    return near(dice.choice(("0.02", "-20", "0.5", "100")), dice)
