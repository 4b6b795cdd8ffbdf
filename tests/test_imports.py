"""Who may import whom: the contracts in pyproject.toml."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ORACLE = sorted(file for file in (Path(__file__).parent / "oracle").glob("*.py") if not file.name.startswith("test_"))


def test_import_contracts_hold():
    command = [str(Path(sys.executable).parent / "lint-imports"), "--config", str(ROOT / "pyproject.toml"), "--no-cache"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert found.returncode == 0, found.stdout + found.stderr
    assert "3 kept, 0 broken" in found.stdout


def test_importing_the_package_is_cheap_and_reading_a_result_needs_no_numba():
    code = "import sys, simulate; assert not {'numpy', 'numba', 'xarray', 'pydantic'} & set(sys.modules), 'import simulate'\n"
    code += "import simulate.report.text, simulate.results.store, simulate.report.plots; assert 'numba' not in sys.modules, 'report'\n"
    code += "import simulate.cli.app; assert 'xarray' not in sys.modules and 'zarr' not in sys.modules, 'cli'"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert found.returncode == 0, found.stderr


def test_a_scenario_is_checked_without_a_compiler():
    code = "import sys; from simulate.cli.app import app; app(['validate', 'ai_2025'], standalone_mode=False); assert 'numba' not in sys.modules"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert found.returncode == 0, found.stderr


def imported(file):
    """Modules that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


@pytest.mark.parametrize("file", ORACLE, ids=lambda file: file.stem)
def test_the_oracle_shares_nothing_with_the_kernels_but_the_model(file):
    allowed = {f"tests.oracle.{one.stem}" for one in ORACLE} | {"simulate.model"} | sys.stdlib_module_names
    assert set(imported(file)) <= allowed
