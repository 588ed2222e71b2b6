"""Functions of tensorflow.python.framework.ops that fewer programs need: names, conversions, registries, statistics."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import Any

from headrace import _core, framework
from headrace.framework import Graph, Tensor, get_default_graph, name_scope
from headrace.registry import Registry

_ids = itertools.count(1)


def uid() -> int:
    """A number that was not given before in this process."""
    return next(_ids)


def has_default_graph() -> bool:
    """Whether operations have a graph to join; they always do."""
    return True


def get_name_scope() -> str:
    """The name scope in force, without a final "/"."""
    return get_default_graph()._name_scope.rstrip("/")


def strip_name_scope(name: str, export_scope: str) -> str:
    """A name without the scope; in "^scope/x" and "loc:@scope/x" too. Other names stay."""
    if not export_scope:
        return name
    scope = export_scope.removesuffix("/")
    return re.sub(r"([\^]|loc:@|^)" + re.escape(scope) + r"[\/]+(.*)", r"\1\2", name, count=1)


def prepend_name_scope(name: str, import_scope: str) -> str:
    """A name inside the scope; in "^x" and "loc:@x" too."""
    if not import_scope:
        return name
    scope = import_scope.removesuffix("/")
    return re.sub(r"([\^]|loc:@|^)(.*)", r"\1" + scope + r"/\2", name, count=1)


def name_from_scope_name(name: str) -> str:
    return name.removesuffix("/") if name else name


_name_from_scope_name = name_from_scope_name


class name_scope_v2(name_scope):  # noqa: N801
    """tf.name_scope of 2.x: a name alone. Raises ValueError for a name that is no string."""

    def __init__(self, name: str) -> None:
        if name is None or not isinstance(name, str):
            raise ValueError("name for name_scope must be a string.")
        super().__init__(name)


def executing_eagerly_outside_functions() -> bool:
    """Whether operations outside of functions run at once."""
    with framework.init_scope():
        return framework.executing_eagerly()


def dismantle_graph(graph: Graph) -> None:
    """Frees what Python keeps with a graph that is no longer used."""
    graph._state.clear()


def get_all_collection_keys() -> list[str]:
    return get_default_graph().get_all_collection_keys()


def container(container_name: str) -> Any:
    return get_default_graph().container(container_name)


def _NodeDef(op_type: str, name: str, attrs: Any = None) -> Any:  # noqa: N802
    """A NodeDef message."""
    from headrace.protos import graph_pb2

    node_def = graph_pb2.NodeDef(op=op_type, name=name)
    for key, value in (attrs or {}).items():
        node_def.attr[key].CopyFrom(value)
    return node_def


# -------------------------------------------------------------------------------------------------------- conversions

_conversions: list[tuple[int, int, Any, Callable]] = []
_like_tensors: list[type] = []


def register_tensor_conversion_function(base_type: Any, conversion_func: Callable, priority: int = 100) -> None:
    """Values of a class are made tensors by func(value, dtype=None, name=None, as_ref=False), low priorities first.

    Raises:
      TypeError: for what is no class (or tuple of classes), or no function, or a class that needs no function.
    """
    kinds = base_type if isinstance(base_type, tuple) else (base_type,)
    if not kinds or not all(isinstance(kind, type) for kind in kinds):
        raise TypeError("base_type must be a type or a tuple of types.")
    if not callable(conversion_func):
        raise TypeError("conversion_func must be callable.")
    if any(issubclass(kind, (int, float, str, bytes, list, tuple)) and kind.__module__ == "builtins" for kind in kinds):
        raise TypeError("Cannot register conversions for Python numeric types and NumPy scalars and arrays.")
    _conversions.append((priority, len(_conversions), base_type, conversion_func))
    _conversions.sort(key=lambda entry: entry[:2])
    _core.set_conversion(_convert)


def _convert(value: Any, dtype: Any, name: str) -> Any:
    for _, _, kinds, function in _conversions:
        if isinstance(value, kinds):
            made = function(value, dtype=dtype, name=name, as_ref=False)
            if made is NotImplemented:
                continue
            if not isinstance(made, Tensor):
                raise RuntimeError(
                    f"{name}: Conversion function {function!r} for type {kinds} returned non-Tensor: {made!r}"
                )
            if dtype is not None and not dtype.is_compatible_with(made.dtype):
                raise RuntimeError(
                    f"{name}: Conversion function {function!r} for type {kinds} returned incompatible dtype: requested "
                    f"= {dtype.base_dtype.name}, actual = {made.dtype.name}"
                )
            return made
    return None


def register_dense_tensor_like_type(tensor_type: type) -> None:
    """Marks a class as one whose objects stand for a tensor: they have properties `name` and `dtype`."""
    for member in ("name", "dtype"):
        if not isinstance(getattr(tensor_type, member, None), property):
            raise TypeError(f"Type {tensor_type} does not define a `{member}` property")
    _like_tensors.append(tensor_type)


def is_dense_tensor_like(t: Any) -> bool:
    return isinstance(t, (Tensor, _core.Variable, *_like_tensors))


def convert_to_tensor_or_indexed_slices(value: Any, dtype: Any = None, name: str | None = None) -> Any:
    """A tensor, or the slices that `value` is."""
    return internal_convert_to_tensor_or_indexed_slices(value, dtype, name)


def internal_convert_to_tensor_or_indexed_slices(
    value: Any, dtype: Any = None, name: str | None = None, as_ref: bool = False
) -> Any:
    if isinstance(value, (framework.IndexedSlices, framework.SparseTensor)):
        found = value.values.dtype
        if dtype is not None and not framework.dtypes.as_dtype(dtype).is_compatible_with(found):
            raise ValueError(
                f"Tensor conversion requested dtype {framework.dtypes.as_dtype(dtype).name} for Tensor with dtype "
                f"{found.name}: {value}"
            )
        return value
    return framework.convert_to_tensor(value, dtype, name)


convert_to_tensor_or_composite = internal_convert_to_tensor_or_composite = convert_to_tensor_or_indexed_slices


def convert_n_to_tensor_or_indexed_slices(values: Any, dtype: Any = None, name: str | None = None) -> list[Any]:
    if not isinstance(values, (list, tuple)):
        raise TypeError("values must be a sequence.")
    names = [None if name is None else f"{name}_{i}" for i in range(len(values))]
    return [v if v is None else convert_to_tensor_or_indexed_slices(v, dtype, n) for v, n in zip(values, names)]


convert_n_to_tensor_or_composite = convert_n_to_tensor_or_indexed_slices


# --------------------------------------------------------------------------------------------------------- statistics

_stats_registry = Registry("statistical functions")


class OpStats:
    """A statistic of an operation, such as its floating-point operations. Sums skip what is not known."""

    def __init__(self, statistic_type: str, value: Any = None) -> None:
        self.statistic_type, self.value = statistic_type, value

    @property
    def statistic_type(self) -> str:
        return self._statistic_type

    @statistic_type.setter
    def statistic_type(self, statistic_type: str) -> None:
        self._statistic_type = statistic_type

    def __iadd__(self, other: OpStats) -> OpStats:
        if other.statistic_type != self.statistic_type:
            raise ValueError(f"Can't add an OpStat of type {self.statistic_type} to one of {other.statistic_type}.")
        if self.value is None:
            self.value = other.value
        elif other.value is not None:
            self.value += other.value
        return self


class RegisterStatistics:
    """A decorator: a function from a graph and a node to the OpStats of operations of a type."""

    def __init__(self, op_type: str, statistic_type: str) -> None:
        if not isinstance(op_type, str):
            raise TypeError("op_type must be a string.")
        if "," in op_type:
            raise TypeError("op_type must not contain a comma.")
        if not isinstance(statistic_type, str):
            raise TypeError("statistic_type must be a string.")
        if "," in statistic_type:
            raise TypeError("statistic_type must not contain a comma.")
        self._name, self._statistic_type = f"{op_type},{statistic_type}", statistic_type

    def __call__(self, function: Callable) -> Callable:
        _stats_registry.register(function, self._name)
        return function


def get_stats_for_node_def(graph: Graph, node: Any, statistic_type: str) -> OpStats:
    """What the function that is registered for a node's type gives; an OpStats without a value if there is none."""
    try:
        function = _stats_registry.lookup(f"{node.op},{statistic_type}")
    except LookupError:
        return OpStats(statistic_type)
    return function(graph, node)


class RegisterShape:
    """A decorator that does nothing: shapes are inferred by the ops' declarations."""

    def __init__(self, op_type: str) -> None:
        if not isinstance(op_type, str):
            raise TypeError("op_type must be a string")
        self._op_type = op_type

    def __call__(self, f: Callable) -> Callable:
        return f


def _set_call_cpp_shape_fn(call_cpp_shape_fn: Callable) -> None:
    """Nothing: shapes are always those of the ops' declarations."""
