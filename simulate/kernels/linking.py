"""Compiling a stage once instead of three times.

Numba optimises every function, turns it into machine code, and then links its unoptimised twin... it does so even for a function that only
other compiled functions call: their callers link the optimised code, optimise it again and turn it into machine code again. Of the
50 s that the kernels took to compile, 13 s were code that nobody ran. So a stage goes to its callers as it was typed and lowered, and is
optimised with them, once. (A quarter of the time; the code is no slower.)

Numba documents pipelines of one's own (`pipeline_class`), but not the two methods of a library that are left out here: this file is
why its version has an upper bound in pyproject.toml, and the only one to look at when that bound moves.
"""

from numba import _dynfunc
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import register_pass
from numba.core.typed_passes import NativeLowering


class StageLibrary(JITCodeLibrary):
    """Code to link: never optimised alone, never loaded."""

    def _optimize_final_module(self):
        pass

    def _finalize_final_module(self):
        self._finalize_dynamic_globals()
        self._finalized = True


@register_pass(mutates_CFG=True, analysis_only=False)
class StageLowering(NativeLowering):
    """Lower into a StageLibrary, and tell callers where it is."""

    _name = "stage_lowering"

    def run_pass(self, state):
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
    """The compiler of `njit`, but for how it lowers."""

    def define_pipelines(self):
        passes = DefaultPassBuilder.define_nopython_pipeline(self.state)
        passes.passes = [(StageLowering if each is NativeLowering else each, why) for each, why in passes.passes]
        passes.finalize()
        return [passes]
