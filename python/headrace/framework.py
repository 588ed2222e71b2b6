"""Graphs, operations and tensors: what tf.Graph, tf.Tensor and the scopes add to the C++ objects they are."""

from __future__ import annotations

import atexit
import contextlib
import re
from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from headrace import _core, dtypes, errors, graph_members
from headrace.default_session import get_default_session
from headrace.shapes import TensorShape

_core.register_skin(dtypes.BY_NUMBER, dtypes.DType, dtypes.as_dtype, TensorShape, errors.make_error)


def _log(level: int, message: str) -> None:
    """What the C++ library logs goes to Python's logger "tensorflow"."""
    from headrace import tf_logging

    tf_logging.get_logger().log(level, "%s", message)


_core.set_log_sink(_log)
atexit.register(_core.set_log_sink, None)

Graph = _core.Graph
Operation = _core.Operation
Tensor = _core.Tensor


class GraphKeys:
    """Names of the standard collections of a graph."""

    GLOBAL_VARIABLES = "variables"
    LOCAL_VARIABLES = "local_variables"
    METRIC_VARIABLES = "metric_variables"
    MODEL_VARIABLES = "model_variables"
    TRAINABLE_VARIABLES = "trainable_variables"
    SUMMARIES = "summaries"
    SUMMARY_OP = "summary_op"
    QUEUE_RUNNERS = "queue_runners"
    TABLE_INITIALIZERS = "table_initializer"
    ASSET_FILEPATHS = "asset_filepaths"
    MOVING_AVERAGE_VARIABLES = "moving_average_variables"
    REGULARIZATION_LOSSES = "regularization_losses"
    CONCATENATED_VARIABLES = "concatenated_variables"
    SAVERS = "savers"
    WEIGHTS = "weights"
    BIASES = "biases"
    ACTIVATIONS = "activations"
    UPDATE_OPS = "update_ops"
    LOSSES = "losses"
    SAVEABLE_OBJECTS = "saveable_objects"
    RESOURCES = "resources"
    LOCAL_RESOURCES = "local_resources"
    TRAIN_OP = "train_op"
    READY_OP = "ready_op"
    READY_FOR_LOCAL_INIT_OP = "ready_for_local_init_op"
    INIT_OP = "init_op"
    LOCAL_INIT_OP = "local_init_op"
    GLOBAL_STEP = "global_step"
    EVAL_STEP = "eval_step"
    COND_CONTEXT = "cond_context"
    WHILE_CONTEXT = "while_context"
    GLOBAL_ITERATOR = "iterators"


# ------------------------------------------------------------------------------------------------------------- graphs


def _extend(cls: type, name: str | None = None) -> Callable[[Callable], Callable]:
    """Adds the decorated function to a C++ class as a method."""

    def add(function: Callable) -> Callable:
        setattr(cls, name or function.__name__, function)
        return function

    return add


def _as_element(graph: Graph, obj: Any, allow_tensor: bool, allow_operation: bool) -> Any:
    if isinstance(obj, (str, bytes)):
        name = obj.decode() if isinstance(obj, bytes) else obj
        if ":" in name and allow_tensor:
            try:
                return graph._find_tensor(name)
            except errors.NotFoundError as error:
                raise KeyError(error.message) from None
            except errors.OpError as error:
                raise ValueError(error.message) from None
        if allow_operation:
            found = graph._find_operation(name)
            if found is None:
                raise KeyError(f"The name {name!r} refers to an Operation not in the graph.")
            return found
        raise ValueError(
            f"The name {name!r} looks like an (invalid) Operation name, not a Tensor. Tensor names must be of the form "
            '"<op_name>:<output_index>".'
        )
    if not isinstance(obj, (Tensor, Operation)) and hasattr(obj, "_as_graph_element"):
        obj = obj._as_graph_element()
    if isinstance(obj, Tensor) and allow_tensor or isinstance(obj, Operation) and allow_operation:
        if obj.graph is not None and obj.graph is not graph:
            raise ValueError(f"{obj} is not an element of this graph.")
        return obj
    kinds = " or ".join(k for k, allowed in (("Tensor", allow_tensor), ("Operation", allow_operation)) if allowed)
    raise TypeError(f"Can not convert a {type(obj).__name__} into a {kinds}.")


@_extend(Graph)
def as_graph_element(self: Graph, obj: Any, allow_tensor: bool = True, allow_operation: bool = True) -> Any:
    """The Tensor or Operation that a name, tensor, operation or variable stands for.

    Raises:
      KeyError: for a name that is not in the graph.
    """
    return _as_element(self, obj, allow_tensor, allow_operation)


@_extend(Graph)
def get_tensor_by_name(self: Graph, name: str) -> Tensor:
    """The tensor of a name such as "dense/MatMul:0". Raises KeyError if there is none."""
    if not isinstance(name, str):
        raise TypeError(f"Tensor names are strings (or similar), not {type(name).__name__}.")
    return _as_element(self, name, True, False)


@_extend(Graph)
def get_operation_by_name(self: Graph, name: str) -> Operation:
    """The operation of this name. Raises KeyError if there is none."""
    if not isinstance(name, str):
        raise TypeError(f"Operation names are strings (or similar), not {type(name).__name__}.")
    return _as_element(self, name, False, True)


@_extend(Graph, "get_collection")
def _graph_get_collection(self: Graph, name: str, scope: str | None = None) -> list[Any]:
    """What was added to a collection, in order; with `scope`, what has a name that matches it at its start."""
    items = self._collection(name)
    if scope is None:
        return items
    pattern = re.compile(scope)
    return [item for item in items if hasattr(item, "name") and pattern.match(item.name)]


@_extend(Graph, "get_collection_ref")
def _graph_get_collection_ref(self: Graph, name: str) -> list[Any]:
    return _CollectionRef(self, name)


class _CollectionRef(list):
    """A collection's list; what is appended to it is added to the graph."""

    def __init__(self, graph: Graph, name: str) -> None:
        super().__init__(graph._collection(name))
        self._graph, self._name = graph, name

    def append(self, item: Any) -> None:
        super().append(item)
        self._graph.add_to_collection(self._name, item)

    def extend(self, items: Iterable[Any]) -> None:
        for item in items:
            self.append(item)

    def __delitem__(self, index: Any) -> None:
        super().__delitem__(index)
        self._rewrite()

    def remove(self, item: Any) -> None:
        super().remove(item)
        self._rewrite()

    def clear(self) -> None:
        super().clear()
        self._rewrite()

    def _rewrite(self) -> None:
        self._graph.clear_collection(self._name)
        for item in self:
            self._graph.add_to_collection(self._name, item)


@_extend(Graph, "add_to_collections")
def _graph_add_to_collections(self: Graph, names: Any, value: Any) -> None:
    for name in (names,) if isinstance(names, str) else set(names):
        self.add_to_collection(name, value)


@_extend(Graph)
def as_default(self: Graph) -> Any:
    """Makes this the graph that new operations join, inside a `with` block."""
    return _core.graph_context(self)


@_extend(Graph)
def name_scope_on_graph(self: Graph, name: str | None) -> Any:
    return _core.name_context(self, name or "")


Graph.name_scope = name_scope_on_graph
Graph.control_dependencies = lambda self, control_inputs: _core.control_context(self, control_inputs)
graph_members.install()
Graph.is_feedable = lambda self, tensor: True
Graph.is_fetchable = lambda self, tensor: True
Graph.prevent_feeding = lambda self, tensor: None
Graph.prevent_fetching = lambda self, op: None
Graph.building_function = Graph._building_function


def get_default_graph() -> Graph:
    """The graph that new operations join: the innermost `Graph.as_default()`, else this thread's own."""
    return _core.current_graph()


def reset_default_graph() -> None:
    """Replaces this thread's default graph by an empty one. Not inside `with graph.as_default()`."""
    try:
        _core.reset_default_graph()
    except errors.FailedPreconditionError as error:
        raise AssertionError(error.message) from None


class name_scope:  # noqa: N801
    """A `with` block whose operations get a common prefix; gives the scope's full name with a final "/".

    >>> import tensorflow as tf
    >>> with tf.name_scope("layer"):
    ...     tf.constant(1.0, name="c").name
    'layer/c:0'
    """

    def __init__(self, name: str | None, default_name: str | None = None, values: Any = None) -> None:
        self._name = default_name if name is None else name
        self._graph = _graph_of(values) if values else None

    @property
    def name(self) -> str | None:
        return self._name

    def __enter__(self) -> str:
        graph = self._graph or get_default_graph()
        self._outer = _core.graph_context(graph) if graph is not get_default_graph() else None
        if self._outer:
            self._outer.__enter__()
        self._context = _core.name_context(graph, self._name or "")
        return self._context.__enter__()

    def __exit__(self, *error: object) -> None:
        self._context.__exit__(*error)
        if self._outer:
            self._outer.__exit__(*error)


def _graph_of(values: Iterable[Any]) -> Graph | None:
    """The graph of the first tensor among values, unless a function is being traced inside it."""
    current = get_default_graph()
    if current.building_function or executing_eagerly():
        return None
    for value in values:
        if isinstance(value, (Tensor, Operation, _core.Variable)) and not isinstance(value, EagerTensor):
            return value.graph
    return None


def control_dependencies(control_inputs: Iterable[Any] | None) -> Any:
    """A `with` block whose operations run after all of `control_inputs`; None lifts those in force."""
    if control_inputs is not None:
        if isinstance(control_inputs, (Tensor, Operation, _core.Variable)):
            control_inputs = [control_inputs]
        control_inputs = [_control_operation(item) for item in control_inputs]
    return _core.control_context(get_default_graph(), control_inputs)


def _control_operation(item: Any) -> Operation:
    if isinstance(item, (IndexedSlices, SparseTensor)):
        return item.op
    return get_default_graph().as_graph_element(item) if not isinstance(item, (Tensor, Operation)) else item


def device(name: Any) -> Any:
    """A `with` block whose operations ask for a device; see Graph.device."""
    return get_default_graph().device(name)


def colocate_with(op: Any, ignore_existing: bool = False) -> Any:
    """A `with` block whose operations want the device of another operation."""
    return get_default_graph().colocate_with(op, ignore_existing)


def add_to_collection(name: str, value: Any) -> None:
    get_default_graph().add_to_collection(name, value)


def add_to_collections(names: Any, value: Any) -> None:
    get_default_graph().add_to_collections(names, value)


def get_collection(key: str, scope: str | None = None) -> list[Any]:
    return get_default_graph().get_collection(key, scope)


def get_collection_ref(key: str) -> list[Any]:
    return get_default_graph().get_collection_ref(key)


def set_random_seed(seed: int) -> None:
    """The graph-level seed, from which ops without a seed of their own derive theirs."""
    get_default_graph().seed = seed


# ------------------------------------------------------------------------------------------------- tensors, operations


def convert_to_tensor(
    value: Any, dtype: Any = None, name: str | None = None, preferred_dtype: Any = None, dtype_hint: Any = None
) -> Tensor:
    """The tensor that `value` is or stands for; Python and NumPy values become constants.

    Raises:
      ValueError: for a tensor of another dtype. TypeError: for a value that has none or does not fit `dtype`.
    """
    if isinstance(value, Tensor) and dtype is None:
        return value
    if isinstance(value, (SparseTensor,)):
        raise TypeError(f"Can't convert {value!r} to a Tensor: it is sparse")
    return _core.convert_to_tensor(value, dtype, name or "Const", dtype_hint or preferred_dtype)


def convert_n_to_tensor(values: Iterable[Any], dtype: Any = None, name: str | None = None) -> list[Tensor]:
    return [convert_to_tensor(v, dtype, None if name is None else f"{name}_{i}") for i, v in enumerate(values)]


def convert_to_tensor_or_sparse_tensor(value: Any, dtype: Any = None, name: str | None = None) -> Any:
    if isinstance(value, SparseTensorValue):
        return SparseTensor(*value)
    return value if isinstance(value, SparseTensor) else convert_to_tensor(value, dtype, name)


def constant(
    value: Any, dtype: Any = None, shape: Any = None, name: str = "Const", verify_shape: bool = False
) -> Tensor:
    """A tensor whose value is fixed in the graph.

    Args:
      value: a number, string, nested list or NumPy array. Python floats become float32 and ints int32.
      shape: reshapes it; of too few elements the last is repeated.
      verify_shape: raise TypeError unless the value has exactly this shape.
    """
    if hasattr(value, "tensor_shape"):  # a TensorProto
        from headrace.tensors import make_ndarray

        value, dtype = make_ndarray(value), dtypes.as_dtype(value.dtype) if dtype is None else dtype
    if verify_shape and shape is not None and np.shape(value) != tuple(TensorShape(shape).as_list()):
        raise TypeError(f"Expected Tensor's shape: {tuple(TensorShape(shape).as_list())}, got {np.shape(value)}.")
    return _core.constant(value, dtype, shape, name)


def constant_v2(value: Any, dtype: Any = None, shape: Any = None, name: str = "Const") -> Tensor:
    """tf.constant of 2.x. Raises TypeError for a shape of another number of elements, unless it is filled by one."""
    if shape is not None and np.size(value) not in (1, TensorShape(shape).num_elements()):
        raise TypeError(f"Expected Tensor's shape: {tuple(TensorShape(shape).as_list())}, got {np.shape(value)}.")
    return _core.constant(value, dtype, shape, name)


def is_tensor(value: Any) -> bool:
    return isinstance(value, (Tensor, SparseTensor, IndexedSlices, _core.Variable)) or hasattr(
        value, "_as_graph_element"
    )


def constant_value(tensor: Any) -> np.ndarray | None:
    """The value of a constant tensor, None if it is only known when the graph runs."""
    return _core.constant_value(tensor)


def _tensor_repr(self: Tensor) -> str:
    return f"<tf.Tensor {self.name!r} shape={self.shape} dtype={self.dtype.name}>"


def _tensor_str(self: Tensor) -> str:
    shape = f", shape={self.shape}" if self.shape.ndims is not None else ""
    return f'Tensor("{self.name}"{shape}, dtype={self.dtype.name})'


def _refuse_bool(self: Tensor) -> bool:
    raise TypeError(
        "Using a `tf.Tensor` as a Python `bool` is not allowed. Use `if t is not None:` instead of `if t:` to test if "
        "a tensor is defined, and use TensorFlow ops such as tf.cond to execute subgraphs conditioned on the value of "
        "a tensor."
    )


def _refuse_iteration(self: Tensor) -> Any:
    raise TypeError(
        "Tensor objects are only iterable when eager execution is enabled. To iterate over this tensor use tf.map_fn."
    )


def _evaluate(self: Tensor, feed_dict: Any = None, session: Any = None) -> Any:
    return _session(session).run(self, feed_dict)


def _run(self: Operation, feed_dict: Any = None, session: Any = None) -> None:
    _session(session).run(self, feed_dict)


def _session(session: Any) -> Any:
    session = session or get_default_session()
    if session is None:
        raise ValueError(
            "Cannot evaluate tensor using `eval()`: No default session is registered. Use `with sess.as_default()` or "
            "pass an explicit session to `eval(session=sess)`"
        )
    return session


Tensor.__repr__ = _tensor_repr
Tensor.__str__ = _tensor_str
Tensor.__bool__ = _refuse_bool
Tensor.__iter__ = _refuse_iteration
Tensor.__array_priority__ = 100
Tensor.eval = _evaluate
Tensor.get_shape = lambda self: self.shape
Tensor._shape_tuple = lambda self: tuple(self.shape.as_list()) if self.shape.ndims is not None else None
Tensor.ref = Tensor.experimental_ref = lambda self: self
Operation.run = _run
Operation.__repr__ = lambda self: f"<tf.Operation {self.name!r} type={self.type}>"
Operation.__str__ = lambda self: (
    f"name: {self.name!r}\nop: {self.type!r}\n" + "".join(f"input: {t.name!r}\n" for t in self.inputs)
)
Operation.values = lambda self: tuple(self.outputs)


# --------------------------------------------------------------------------------------------------- composite tensors


class _Components:
    """How to put a composite tensor together again, for headrace.structure."""

    def __init__(self, cls: type) -> None:
        self._cls = cls

    def _from_components(self, components: Iterable[Any]) -> Any:
        return self._cls(*components)


class IndexedSlices:
    """Some rows of a larger tensor: `values[i]` is row `indices[i]`. What sparse gradients are."""

    def __init__(self, values: Tensor, indices: Tensor, dense_shape: Tensor | None = None) -> None:
        self.values, self.indices, self.dense_shape = values, indices, dense_shape

    name = property(lambda self: self.values.name)
    op = property(lambda self: self.values.op)
    dtype = property(lambda self: self.values.dtype)
    graph = property(lambda self: self.values.graph)
    device = property(lambda self: self.values.device)
    shape = property(lambda self: TensorShape(None if self.dense_shape is None else constant_value(self.dense_shape)))

    def _to_components(self) -> tuple[Tensor, ...]:
        parts = (self.values, self.indices)
        return parts if self.dense_shape is None else (*parts, self.dense_shape)

    @property
    def _type_spec(self) -> _Components:
        return _Components(IndexedSlices)

    def _as_tensor(self) -> Tensor:
        from headrace import _ops

        if self.dense_shape is None:
            raise ValueError(f"Tensor conversion requested for IndexedSlices without dense_shape: {self}")
        return _ops.unsorted_segment_sum(self.values, self.indices, self.dense_shape[0])

    def __str__(self) -> str:
        return f"IndexedSlices(indices={self.indices}, values={self.values})"


IndexedSlicesValue = namedtuple("IndexedSlicesValue", ["values", "indices", "dense_shape"])
SparseTensorValue = namedtuple("SparseTensorValue", ["indices", "values", "dense_shape"])


class SparseTensor:
    """A tensor given by its non-empty elements: indices int64 [n, rank], values [n], dense_shape int64 [rank]."""

    def __init__(self, indices: Any, values: Any, dense_shape: Any) -> None:
        with name_scope(None, "SparseTensor", [indices, values, dense_shape]):
            self.indices = convert_to_tensor(indices, dtypes.int64, "indices")
            self.values = convert_to_tensor(values, name="values")
            self.dense_shape = convert_to_tensor(dense_shape, dtypes.int64, "dense_shape")

    @classmethod
    def from_value(cls, value: Any) -> SparseTensor:
        if isinstance(value, SparseTensor):
            return value
        return cls(value.indices, value.values, value.dense_shape)

    dtype = property(lambda self: self.values.dtype)
    op = property(lambda self: self.values.op)
    graph = property(lambda self: self.values.graph)
    name = property(lambda self: self.values.name)

    @property
    def shape(self) -> TensorShape:
        sizes = constant_value(self.dense_shape)
        if sizes is not None:
            return TensorShape(sizes.tolist())
        rank = self.dense_shape.shape.as_list()[0] if self.dense_shape.shape.ndims == 1 else None
        return TensorShape(None if rank is None else [None] * rank)

    def get_shape(self) -> TensorShape:
        return self.shape

    def _to_components(self) -> tuple[Tensor, ...]:
        return (self.indices, self.values, self.dense_shape)

    @property
    def _type_spec(self) -> _Components:
        return _Components(SparseTensor)

    def eval(self, feed_dict: Any = None, session: Any = None) -> SparseTensorValue:
        return _session(session).run(self, feed_dict)

    def _to_components(self) -> list[Any]:
        return [self.indices, self.values, self.dense_shape]

    @property
    def _type_spec(self) -> Any:
        from headrace.type_specs import SparseTensorSpec

        return SparseTensorSpec(self.shape, self.dtype)

    def consumers(self) -> list[Operation]:
        found = [op for part in self._to_components() for op in part.consumers()]
        return list(dict.fromkeys(found))

    def __str__(self) -> str:
        return f"SparseTensor(indices={self.indices}, values={self.values}, dense_shape={self.dense_shape})"


def is_sparse(value: Any) -> bool:
    return isinstance(value, (SparseTensor, SparseTensorValue))


executing_eagerly = _core.executing_eagerly


@contextlib.contextmanager
def init_scope() -> Iterator[None]:
    """A block that leaves the functions being traced, and their control dependencies: ops join the graph around all of
    them, or run at once if that is what happens there. Gradient tapes do not see it.
    """
    scope = get_default_graph()._name_scope
    with _core.init_context(), _core.stop_recording(), name_scope(scope or None):
        yield


def op_scope(values: Any, name: str | None, default_name: str | None = None) -> name_scope:
    return name_scope(name, default_name, values)


from headrace.eager import EagerTensor  # noqa: E402,F401
