"""One simulation from the scenario to the result: load, compile, run the blocks, keep them in memory or in a store."""

import logging
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from simulate.checks import identities
from simulate.compile.idle import refuse_idle
from simulate.compile.scenario import Names, compile_scenario
from simulate.engine.blocks import BLOCK_PATHS, run_blocks
from simulate.engine.needs import available_cores, faults, refuse_too_large
from simulate.engine.progress import show_progress
from simulate.errors import refuse_if_any
from simulate.kernels.jit import can_keep_kernels, find_cache_folder
from simulate.results.dataset import attributes, check_coordinates, coordinates, to_dataset
from simulate.results.store import open_results, refuse_existing, write_block, write_check, writing
from simulate.scenario.load import Scenario, load_scenario

if TYPE_CHECKING:
    import xarray as xr

log = logging.getLogger("simulate")


def run(
    scenario: Scenario | str | Path,
    *,
    paths: int | None = None,
    seed: int | None = None,
    threads: int | None = None,
    out: str | Path | None = None,
    overwrite: bool = False,
    block_paths: int = BLOCK_PATHS,
    progress: bool = False,
    check: bool = False,
) -> "xr.Dataset":
    """Simulate a scenario and return its result: a Dataset by path, with the variables and units of docs/results.md.

    scenario: a loaded one, a file, or the name of a shipped one. paths, seed: those of the scenario unless given. threads: all cores unless given.
    out: a Zarr store to write, block by block; the Dataset then reads from it, and refuses to when another run took its place. Without it everything
    stays in memory. An existing store is refused unless overwrite is set, and stays as it is until the new one is whole. block_paths: paths of a block. progress: show it on stderr.
    check: verify the identities of docs/model.md, section 7, on every path and keep the largest residuals; the run takes several times as long.
    The bits of a path depend on neither threads, block_paths nor check.

    Raises InputError with all faults of the input, and if the machine cannot hold the run, before the first path is simulated, and IdentityError if an identity does not hold.
    """
    refuse_if_any(faults(paths, seed, threads, block_paths))
    if out is not None and not overwrite:
        refuse_existing(out)
    if not isinstance(scenario, Scenario):
        scenario = load_scenario(scenario)
    paths = scenario.run.paths if paths is None else int(paths)
    seed = scenario.run.seed if seed is None else int(seed)
    threads = available_cores() if threads is None else int(threads)
    refuse_if_any(faults(paths, seed, threads, block_paths))
    block_paths = min(block_paths, paths)
    compiled = compile_scenario(scenario, seed)
    refuse_idle(scenario, seed, compiled.model)
    coords = coordinates(compiled, scenario.worlds)
    refuse_too_large(compiled.model, coords, paths=paths, threads=threads, out=out)
    attrs = attributes(
        scenario=scenario.name,
        base=scenario.base,
        changes=scenario.changes,
        warnings=scenario.warnings,
        silent=scenario.silent,
        compiled=compiled,
        seed=seed,
        paths=paths,
        block_paths=block_paths,
    )
    if check:
        coords |= check_coordinates(identities.IDENTITIES)
    findings: list[identities.Finding] = []
    blocks: dict[int, dict[str, np.ndarray]] = {}
    storage = nullcontext() if out is None else writing(out, coords, attrs, paths=paths, block_paths=block_paths, overwrite=overwrite)
    wait = compiling()
    if wait and not progress:
        log.warning(wait)  # a minute of silence looks like a hang
    reporting = show_progress(paths, first=wait) if progress else nullcontext(lambda done: None)
    with storage as store, reporting as report:
        done = 0

        def keep_check(found: list[identities.Finding]) -> None:
            findings[:] = identities.largest([findings, found])
            refuse_violated(findings, compiled.names)
            if store is not None:
                write_check(store, place_findings(findings, compiled.names))

        def keep(first: int, arrays: dict[str, np.ndarray]) -> None:
            nonlocal done
            if store is None:
                blocks[first] = arrays
            else:
                write_block(store, first, arrays)
            done += arrays["log_weight"].shape[-1]
            report(done)

        run_blocks(compiled.model, paths=paths, threads=threads, block_paths=block_paths, on_block=keep, on_check=keep_check if check else None)
    if out is not None and store is not None:
        return open_results(out, stamp=store.stamp)
    return to_dataset(coords, attrs, blocks, place_findings(findings, compiled.names) if check else None)


def place_findings(findings: list[identities.Finding], names: Names) -> dict[str, np.ndarray]:
    """Return findings as the variables `schema.CHECKS`, with the names of worlds and entities."""
    return {
        "identity_residual": np.array([finding.residual for finding in findings]),
        "identity_path": np.array([finding.path for finding in findings]),
        "identity_world": np.array([names.worlds[finding.world] if finding.world >= 0 else "" for finding in findings], object),
        "identity_step": np.array([finding.step for finding in findings], np.int16),
        "identity_entity": np.array([names.entities[finding.entity] if finding.entity >= 0 else "" for finding in findings], object),
    }


def refuse_violated(findings: list[identities.Finding], names: Names) -> None:
    """Raise IdentityError for the first identity that does not hold, with its place."""
    for finding in findings:
        if finding.violated:
            identity = identities.IDENTITIES[finding.identity]
            where = [f"path {finding.path}", f"world {names.worlds[finding.world]}"]
            where += [f"step {finding.step}"] if finding.step >= 0 else []
            where += [f"entity {names.entities[finding.entity]}"] if finding.entity >= 0 else []
            raise identities.IdentityError(
                f"the identity '{finding.identity}' does not hold on {', '.join(where)}: "
                f"the residual is {finding.residual:.2g} of {identity.scale} and may be {identity.tolerance:.0e} ({identity.title})."
            )


def compiling() -> str | None:
    """Return what to say before kernels are compiled; None if an earlier run left those of this version."""
    if next(find_cache_folder().rglob("*.simulate_tiles-*.nbc"), None) is not None:  # the one that takes the time
        return None
    return f"compiling kernels{' (once; later runs take them from the cache)' * can_keep_kernels()} ..."
