"""Compile a stage once instead of three times.

Numba optimises every function and turns it into machine code, even one that only other compiled functions call. Their callers link the
optimised code, optimise it again and turn it into machine code again: of the 50 s that the kernels took to compile, 13 s made code that
never ran. So a stage goes to its callers as it was lowered, and is optimised once, with them. The code is no slower.

Pipelines of one's own (`pipeline_class`) are documented by numba; the two methods of a library that are left out here are not. This
file is one reason for the upper bound of numba's version in pyproject.toml, and the first to look at when that bound moves.
"""

from typing import Any

from numba import _dynfunc
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import register_pass
from numba.core.typed_passes import NativeLowering


class StageLibrary(JITCodeLibrary):
    """Code to link: never optimised alone, never loaded."""

    def _optimize_final_module(self) -> None:
        pass

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True


@register_pass(mutates_CFG=True, analysis_only=False)
class StageLowering(NativeLowering):
    """Lower into a StageLibrary, and tell callers where it is."""

    _name = "stage_lowering"

    def run_pass(self, state: Any) -> bool:
        """Lower the function of `state` without optimising it."""
        state.library = StageLibrary(state.targetctx.codegen(), state.func_id.func_qualname)
        state.flags.no_compile = True
        super().run_pass(state)
        lowered = state["cr"]
        function = lowered.fndesc
        entry = _dynfunc.make_function(function.lookup_module(), function.qualname, "a stage: called from kernels only", 0, lowered.env, (state.library,))
        state.targetctx.insert_user_function(entry, function, [state.library])
        state["cr"] = lowered._replace(cfunc=entry)
        return True


class StageCompiler(CompilerBase):
    """The compiler of `njit` with another lowering."""

    def define_pipelines(self) -> list[Any]:
        """Return the passes of numba with StageLowering in the place of its own lowering."""
        passes = DefaultPassBuilder.define_nopython_pipeline(self.state)
        passes.passes = [(StageLowering if each is NativeLowering else each, why) for each, why in passes.passes]
        passes.finalize()
        return [passes]
