"""Compile a stage once instead of three times.

Numba optimises every function and turns it into machine code, even one that only other compiled functions call. Their callers link the
optimised code, optimise it again and turn it into machine code again: of the 50 s that the kernels took to compile, 13 s made code that
never ran. So a stage goes to its callers as it was lowered, and is optimised once, with them. The code is no slower.

Numba also looks up every call of `max` or `+` under the options of its caller, and compares fifty options each time, for each caller
has its own copy: 5 s of 60 in a profile. So equal options are one object here.

Pipelines of one's own (`pipeline_class`) are documented by numba; the two methods of a library that are left out here are not. This
file is one reason for the upper bound of numba's version in pyproject.toml, and the first to look at when that bound moves.
"""

from typing import Any, ClassVar

from numba import _dynfunc
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder, Flags
from numba.core.compiler_machinery import register_pass
from numba.core.typed_passes import NativeLowering


class StageLibrary(JITCodeLibrary):
    """Code to link: never optimised alone, never loaded."""

    def _optimize_final_module(self) -> None:
        pass

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True


class SharedFlags(Flags):
    """Options of a compilation whose copies are one object as long as they are equal, so that a lookup compares nothing."""

    __slots__ = ()
    _shared: ClassVar[dict[Any, Any]] = {}
    _hash = hash(Flags())  # numba hashes the names of the options, which are the same for all

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return self is other or super().__eq__(other)

    def copy(self) -> Any:
        """Return the copy that callers with these options share; numba reads it and does not change it."""
        same = super().copy()
        return self._shared.setdefault(same, same)


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

    def __init__(self, *head: Any) -> None:
        *head, flags, local_types = head  # type: ignore[assignment]
        super().__init__(*head, SharedFlags(flags), local_types)

    def define_pipelines(self) -> list[Any]:
        """Return the passes of numba with StageLowering in the place of its own lowering."""
        passes = DefaultPassBuilder.define_nopython_pipeline(self.state)
        passes.passes = [(StageLowering if each is NativeLowering else each, why) for each, why in passes.passes]
        passes.finalize()
        return [passes]
