"""tf.scatter_update and its kin, on variables of both kinds, and what else works on a variable's state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from headrace import _core, _ops
from headrace.framework import Tensor, control_dependencies, convert_to_tensor, get_default_graph


def _is_resource(ref: Any) -> bool:
    return isinstance(ref, _core.Variable) and ref._is_resource


def _scatter(ref_op: str, resource_op: str, doc: str) -> Callable:
    def scatter(ref: Any, indices: Any, updates: Any, use_locking: Any = None, name: str | None = None) -> Any:
        if not _is_resource(ref):
            options = {} if use_locking is None else {"use_locking": use_locking}
            return getattr(_ops, ref_op)(ref, indices, updates, name=name, **options)
        updates = convert_to_tensor(updates, ref.dtype.base_dtype)
        done = getattr(_ops, resource_op)(ref.handle, indices, updates, name=name)
        with _core.control_context(get_default_graph(), [done]):
            return _ops.read_variable_op(ref.handle, ref.dtype.base_dtype)

    scatter.__name__ = ref_op
    scatter.__doc__ = doc
    return scatter


def _rows(how: str, what: str) -> Callable:
    return _scatter(f"scatter_{how}", f"resource_scatter_{how}", f"The rows at `indices` of a variable {what}.")


def _slices(how: str, what: str) -> Callable:
    doc = f"The slices at the index tuples `indices` of a variable {what}."
    return _scatter(f"scatter_nd_{how}", f"resource_scatter_nd_{how}", doc)


scatter_update = _rows("update", "become those of `updates`")
scatter_add = _rows("add", "gain those of `updates`")
scatter_sub = _rows("sub", "lose those of `updates`")
scatter_mul = _rows("mul", "are multiplied by those of `updates`")
scatter_div = _rows("div", "are divided by those of `updates`")
scatter_min = _rows("min", "become the smaller of themselves and those of `updates`")
scatter_max = _rows("max", "become the larger of themselves and those of `updates`")
scatter_nd_update = _slices("update", "become those of `updates`")
scatter_nd_add = _slices("add", "gain those of `updates`")
scatter_nd_sub = _slices("sub", "lose those of `updates`")
tensor_scatter_update = _ops.tensor_scatter_update
tensor_scatter_add = _ops.tensor_scatter_add
tensor_scatter_sub = _ops.tensor_scatter_sub


def batch_scatter_update(
    ref: Any, indices: Any, updates: Any, use_locking: bool = True, name: str | None = None
) -> Any:
    """As scatter_update in each of the leading dimensions, which indices and variable share: the last of `indices`
    counts along the dimension of the variable at its place.
    """
    from headrace import arrays, math
    from headrace.framework import name_scope

    with name_scope(name):
        indices = convert_to_tensor(indices, name="indices")
        rank = indices.shape.ndims
        if rank is None:
            raise ValueError("batch_scatter_update needs indices of known rank")
        sizes = arrays.shape(indices)
        coordinates = []
        for axis in range(rank - 1):  # the position in each leading dimension, beside the index itself
            own = [1] * rank
            own[axis] = -1
            position = arrays.reshape(math.cast(math.range(sizes[axis]), indices.dtype), own)
            coordinates.append(arrays.broadcast_to(position, sizes))
        tuples = arrays.stack([*coordinates, indices], -1)
        return scatter_nd_update(ref, tuples, updates, use_locking, name)


def _method(function: Callable, sparse: bool) -> Callable:
    """As a method of variables: of IndexedSlices, or of indices and updates."""
    if sparse:
        return lambda self, sparse_delta, use_locking=False, name=None: function(
            self, sparse_delta.indices, sparse_delta.values, use_locking, name
        )
    return lambda self, indices, updates, name=None: function(self, indices, updates, True, name)


def install(cls: type) -> None:
    """Adds the methods to the class of variables."""
    for how in ("add", "sub", "update", "mul", "div", "min", "max"):
        setattr(cls, f"scatter_{how}", _method(globals()[f"scatter_{how}"], True))
    cls.batch_scatter_update = _method(batch_scatter_update, True)
    for how in ("add", "sub", "update"):
        setattr(cls, f"scatter_nd_{how}", _method(globals()[f"scatter_nd_{how}"], False))


def assert_variables_initialized(var_list: Any = None) -> Any:
    """The indexes of the variables (of all, by default) that can be read; reading one that has no value fails."""
    from headrace import arrays, variables

    if var_list is None:
        var_list = [*variables.global_variables(), *variables.local_variables()]
    if not var_list:
        return None
    with control_dependencies([v.value() for v in var_list]):
        return arrays.constant(list(range(len(var_list))), name="initialized")


def ensure_shape(x: Any, shape: Any, name: str | None = None) -> Tensor:
    """The tensor with a shape that is known from here on; a run in which it has another fails.

    Raises:
      ValueError: where its shape is known to be another.
    """
    from headrace.shapes import TensorShape

    return _ops.ensure_shape(x, TensorShape(shape), name=name)


def count_up_to(ref: Any, limit: int, name: str | None = None) -> Tensor:
    """The number that a variable holds, to which one is added; OutOfRangeError at the limit."""
    if _is_resource(ref):
        return _ops.resource_count_up_to(ref.handle, limit, T=ref.dtype.base_dtype, name=name)
    return _ops.count_up_to(ref, limit, name=name)
