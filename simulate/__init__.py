"""Monte Carlo simulation of losses in a network of deals: scenario in, xarray Dataset out.

The verbs are imported when they are first used, so that `import simulate` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulate.clearing import clearing_vector
    from simulate.engine.simulation import run
    from simulate.errors import InputError
    from simulate.report import plots
    from simulate.results.store import open_results
    from simulate.scenario.load import load_scenario
    from simulate.studies.ranges import ranges

__version__ = "0.1.0"
__all__ = ["InputError", "__version__", "clearing_vector", "load_scenario", "open_results", "plots", "ranges", "run"]

_HOMES = {
    "InputError": "simulate.errors",
    "clearing_vector": "simulate.clearing",
    "load_scenario": "simulate.scenario.load",
    "open_results": "simulate.results.store",
    "plots": "simulate.report.plots",
    "ranges": "simulate.studies.ranges",
    "run": "simulate.engine.simulation",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'simulate' has no attribute '{name}'")
    home = import_module(_HOMES[name])
    return home if name == "plots" else getattr(home, name)


def __dir__() -> list[str]:
    return sorted(__all__)
