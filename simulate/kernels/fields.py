"""Names on the rows of packed arrays: `w.cash` is `w.entity[0]`, in Python and in compiled code.

A kernel with two hundred small arrays as arguments takes minutes to compile, one with ten big arrays a tenth of that. So variables of
one shape stand in one array, and this file puts names on its rows: an attribute is a view, made where it is read; it costs a kernel nothing.

Numba documents `overload_attribute` for this. It does not serve here: it compiles a function that returns the view, which numba refuses
without its allocator (kernels/jit.py says what that allocator costs), and an overloaded name is taken away from every other NamedTuple that has a field of
that name. So this file registers how an attribute is typed and lowered, as numba does for its own types: one of two files that know
numba's internals (the other is linking.py), and a reason for the upper bound on its version in pyproject.toml. Should they move, rows
can be found by global NamedTuples of row numbers instead (`w.entity[ROW.cash, i]`), which needs public functions only.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from numba.core import cgutils, types
from numba.core.typing.templates import AttributeTemplate, infer_getattr
from numba.extending import lower_getattr
from numba.np.arrayobj import make_array, populate_array


class Place(NamedTuple):
    """Where a name stands: the field of its tuple and the row there; `count`: the field with the lengths of rows that are lists."""

    field: str
    row: int
    count: str = ""  # type: ignore[assignment]  # hides tuple.count, which nobody calls


PLACES: dict[type, dict[str, Place]] = {}
_LOWERED: set[str] = set()


def name_rows(cls: Any, field: str, names: tuple[str, ...], count: str = "") -> None:
    """Let `x.name` be row k of `x.field` for the k-th name, where x is a `cls` (a NamedTuple). Raises ValueError for a name that has a meaning already.

    With `count`, row k is a list of which the first `x.count[k]` values count.
    """
    places = PLACES.setdefault(cls, {})
    for row, name in enumerate(names):
        if name in cls._fields or name in places:
            raise ValueError(f"{cls.__name__} has two meanings of {name}")
        places[name] = Place(field, row, count)
        setattr(cls, name, property(_reader(places[name])))
        if name not in _LOWERED:
            _LOWERED.add(name)
            lower_getattr(types.BaseNamedTuple, name)(_lower_name(name))


def _reader(place: Place) -> Callable[[Any], Any]:
    """Return the getter of the attribute in Python."""
    field, row, count = place
    if count:
        return lambda x: getattr(x, field)[row, : getattr(x, count)[row]]
    return lambda x: getattr(x, field)[row]


@infer_getattr
class RowNames(AttributeTemplate):
    """Types of the names in compiled code: an array with one dimension less, or a number."""

    key = types.BaseNamedTuple

    def generic_resolve(self, tup: Any, name: str) -> Any:
        """Return the type of a name on a NamedTuple type; None if it is no name of a row."""
        place = PLACES.get(tup.instance_class, {}).get(name)
        if place is None:
            return None
        array = _type_of(tup, tup.fields.index(place.field))
        return array.dtype if array.ndim == 1 else types.Array(array.dtype, array.ndim - 1, array.layout, readonly=not array.mutable)


def _type_of(tup: Any, number: int) -> Any:
    """Return the type of a field; a tuple type whose fields all have one type stores it once."""
    return tup.types[number] if hasattr(tup, "types") else tup.dtype


def _lower_name(name: str) -> Callable[[Any, Any, Any, Any], Any]:
    """Return the generator of code that reads a row: an offset into the array, no copy."""

    def lower(context: Any, builder: Any, tup: Any, value: Any) -> Any:
        place = PLACES.get(tup.instance_class, {}).get(name)
        if place is None:  # a field of another tuple that has this name itself
            return builder.extract_value(value, tup.fields.index(name))
        number = tup.fields.index(place.field)
        array_type = _type_of(tup, number)
        array = make_array(array_type)(context, builder, builder.extract_value(value, number))
        strides, shape = cgutils.unpack_tuple(builder, array.strides), cgutils.unpack_tuple(builder, array.shape)
        row = context.get_constant(types.intp, place.row)
        data = cgutils.pointer_add(builder, array.data, builder.mul(strides[0], row), return_type=array.data.type)
        if array_type.ndim == 1:
            return builder.load(data)
        view_type = RowNames(context.typing_context).generic_resolve(tup, name)
        view = make_array(view_type)(context, builder)
        shape = shape[1:]
        if place.count:
            at = tup.fields.index(place.count)
            counts = make_array(_type_of(tup, at))(context, builder, builder.extract_value(value, at))
            shape = [builder.load(builder.gep(counts.data, [row]))]
        populate_array(view, data=data, shape=shape, strides=strides[1:], itemsize=array.itemsize, meminfo=array.meminfo, parent=array.parent)
        return view._getvalue()

    return lower
