"""Members of tf.Graph, tf.Operation and tf.Tensor beyond the common ones: messages, scopes of attributes, devices,
colocation, what 1.15's library and its tests ask of them. framework.py has the common ones.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from typing import Any

from headrace import _core, dtypes
from headrace.shapes import TensorShape

Graph, Operation, Tensor = _core.Graph, _core.Operation, _core.Tensor
_graph_keys = itertools.count()


# ----------------------------------------------------------------------------------------- rules for new operations

Draft = _core.OperationDraft  # an operation before it is added


def _rules(graph: Graph) -> list[Callable[[Draft], None]]:
    return graph._state.setdefault("rules", [])


@contextlib.contextmanager
def _rule(graph: Graph, function: Callable[[Draft], None]) -> Iterator[None]:
    """A block in which a function may change each new operation before it is added, the outermost function first."""
    rules = _rules(graph)
    rules.append(function)
    graph._call_for_each_new_operation(lambda op: [rule(op) for rule in rules])
    try:
        yield
    finally:
        rules.remove(function)
        if not rules:
            graph._call_for_each_new_operation(None)


@contextlib.contextmanager
def _attr_scope(self: Graph, attr_map: dict[str, Any]) -> Iterator[None]:
    """A block whose operations get these attributes (AttrValue messages, or functions from a NodeDef to one)."""
    if not isinstance(attr_map, dict):
        raise TypeError(
            "attr_map must be a dictionary mapping strings to Callable objects that emit attr_value protos."
        )

    def add(op: Draft) -> None:
        for name, value in attr_map.items():
            value = value(op.node_def) if callable(value) else value
            if value is not None:
                op._set_attr(name, value)

    with _rule(self, add):
        yield


@contextlib.contextmanager
def gradient_override_map(self: Graph, op_type_map: dict[str, str]) -> Iterator[None]:
    """A block whose operations of the types named take their gradients from functions registered under other names."""
    if not isinstance(op_type_map, dict):
        raise TypeError("op_type_map must be a dictionary mapping strings to strings")
    for kind, name in op_type_map.items():
        if not isinstance(kind, str) or not isinstance(name, str):
            raise TypeError("op_type_map must be a dictionary mapping strings to strings")

    def add(op: Draft) -> None:
        if op.type in op_type_map:
            op._set_attr("_gradient_op_type", op_type_map[op.type].encode(), "string")

    with _rule(self, add):
        yield


@contextlib.contextmanager
def _kernel_label_map(self: Graph, op_to_kernel_label_map: dict[str, str]) -> Iterator[None]:
    """A block whose operations of the types named ask for the kernel of a label."""
    if not isinstance(op_to_kernel_label_map, dict):
        raise TypeError("op_to_kernel_label_map must be a dictionary mapping strings to strings")

    def add(op: Draft) -> None:
        if op.type in op_to_kernel_label_map:
            op._set_attr("_kernel", op_to_kernel_label_map[op.type].encode(), "string")

    with _rule(self, add):
        yield


@contextlib.contextmanager
def container(self: Graph, container_name: str) -> Iterator[str]:
    """A block whose stateful operations keep their resources in a container of this name."""

    def add(op: Draft) -> None:
        if "container" in op._attr_names and not op.get_attr("container"):
            op._set_attr("container", container_name.encode(), "string")

    outer, self._container = getattr(self, "_container", ""), container_name
    with _rule(self, add):
        try:
            yield container_name
        finally:
            self._container = outer


@contextlib.contextmanager
def colocate_with(self: Graph, op: Any, ignore_existing: bool = False) -> Iterator[None]:
    """A block whose operations want the device of another operation; None lifts what is in force."""
    if op is None and not ignore_existing:
        raise ValueError("Trying to reset colocation (op is None) but ignore_existing is not True")
    from headrace import framework

    target = None if op is None else framework._control_operation(op)
    target = target.op if isinstance(target, Tensor) else target
    stack = self._state.setdefault("colocation", [])
    outer = list(stack)
    if ignore_existing:
        stack.clear()
    if target is not None:
        stack.append(target)

    def add(new: Draft) -> None:
        if not stack or stack[-1] is not target:
            return
        groups = sorted({group for other in stack for group in other.colocation_groups()})
        new._set_attr("_class", groups, "list(string)")
        new._set_device(stack[-1].device)

    try:
        with _rule(self, add):
            yield
    finally:
        stack[:] = outer


def _colocation_groups(self: Operation) -> list[bytes]:
    """The operations with which this one wants to be placed: b"loc:@name", itself if it names none."""
    if "_class" not in self._attr_names:
        return [b"loc:@" + self.name.encode()]
    found = [g if isinstance(g, bytes) else g.encode() for g in self.get_attr("_class")]
    groups = [g for g in found if g.startswith(b"loc:@")]
    return groups or [b"loc:@" + self.name.encode()]


# ---------------------------------------------------------------------------------------------------------- devices


@contextlib.contextmanager
def device(self: Graph, device_name_or_function: Any) -> Iterator[None]:
    """A block whose operations ask for a device; parts that an inner block leaves open are the outer block's.

    Args:
      device_name_or_function: a name, a DeviceSpec, a function from an operation (whose device is what inner blocks
        ask for) to a name, which is taken as it is, or None, which lifts what is in force.
    """
    wanted = device_name_or_function
    is_function = callable(wanted) and not hasattr(wanted, "to_string")
    stack = self._state.setdefault("devices", [])
    stack.append(wanted)
    try:
        with _rule(self, _place) if is_function else _core.device_context(self, _merged_device(self, wanted)):
            yield
    finally:
        stack.pop()


def _place(op: Draft) -> None:
    """The device of an operation where a function is in force: the blocks say theirs in turn, the innermost first."""
    from headrace.devices import DeviceSpec
    from headrace.framework import get_default_graph

    op._set_device("")
    for wanted in reversed(get_default_graph()._state["devices"]):
        if wanted is None:
            return
        if callable(wanted) and not hasattr(wanted, "to_string"):
            named = wanted(op)
            op._set_device(named.to_string() if hasattr(named, "to_string") else named or "")
        else:
            spec = DeviceSpec.from_string(wanted if isinstance(wanted, str) else wanted.to_string())
            spec.merge_from(DeviceSpec.from_string(op.device))
            op._set_device(spec.to_string())


def _merged_device(graph: Graph, wanted: Any) -> str:
    if wanted is None:
        return ""
    name = wanted if isinstance(wanted, str) else wanted.to_string()
    outer = graph._device
    if not outer or not name:
        return outer or _canonical(name)
    from headrace.devices import DeviceSpec

    spec = DeviceSpec.from_string(outer)
    spec.merge_from(DeviceSpec.from_string(name))
    return spec.to_string()


def _canonical(name: str) -> str:
    if not name:
        return ""
    from headrace.devices import canonical_name

    return canonical_name(name)


# ---------------------------------------------------------------------------------------------------------- messages


def _node_def(self: Operation) -> Any:
    """The operation as a NodeDef message."""
    from headrace.protos import graph_pb2

    return graph_pb2.NodeDef.FromString(self._serialized_node())


def _draft_node_def(self: Draft) -> Any:
    """What is known of a node before it is added."""
    from headrace.protos import graph_pb2

    inputs = [t.name.removesuffix(":0") for t in self.inputs]
    return graph_pb2.NodeDef(name=self.name, op=self.type, device=self.device, input=inputs)


def _op_def(self: Operation) -> Any:
    """What is declared of the operation's type, an OpDef message."""
    from headrace.protos import graph_pb2

    return graph_pb2.OpDef.FromString(self._serialized_op())


def _set_attr(self: Any, name: str, value: Any, kind: str | None = None) -> None:
    """Changes an attribute: an AttrValue message, or with `kind` ("int", "list(string)", …) a plain value."""
    native = _native_set_attr[type(self)]
    if kind is not None:
        native(self, name, value, kind)
        return
    field = value.WhichOneof("value")
    if field == "list":
        fields = value.list.ListFields()
        inner, items = (fields[0][0].name, list(fields[0][1])) if fields else ("i", [])
        native(self, name, [_plain(inner, item) for item in items], f"list({_KINDS[inner]})")
    else:
        native(self, name, _plain(field, getattr(value, field)), _KINDS[field])


_native_set_attr = {Operation: Operation._set_attr, Draft: Draft._set_attr}
_KINDS = {
    "s": "string", "i": "int", "f": "float", "b": "bool", "type": "type", "shape": "shape", "tensor": "tensor",
    "func": "func",
}  # fmt: skip


def _plain(field: str, value: Any) -> Any:
    if field == "type":
        return dtypes.as_dtype(value)
    if field == "shape":
        return TensorShape(value)
    if field == "tensor":
        from headrace.tensors import make_ndarray

        return make_ndarray(value)
    return value.name if field == "func" else value


def as_graph_def(self: Graph, from_version: Any = None, add_shapes: bool = False) -> Any:
    """The graph as a GraphDef message; `add_shapes` gives its nodes the attribute _output_shapes."""
    from headrace.protos import graph_pb2

    graph_def = graph_pb2.GraphDef.FromString(_core.serialize_graph(self, False))
    if add_shapes:
        for node in graph_def.node:
            shapes = node.attr["_output_shapes"].list.shape
            shapes.extend(output.shape.as_proto() for output in self._find_operation(node.name).outputs)
    return graph_def


def _graph_def_versions(self: Graph) -> Any:
    """The versions that the graph's GraphDef has."""
    from headrace.protos import graph_pb2

    return graph_pb2.GraphDef.FromString(_core.serialize_graph(Graph(), False)).versions


# -------------------------------------------------------------------------------------------------------- operations


def create_op(
    self: Graph, op_type: str, inputs: Any, dtypes: Any = None, input_types: Any = None, name: str | None = None,
    attrs: Any = None, op_def: Any = None, compute_shapes: bool = True, compute_device: bool = True,
) -> Operation:  # fmt: skip
    """Adds an operation of a type, given its inputs (one for each argument) and attributes (AttrValue messages)."""
    for i, value in enumerate(inputs):
        if not isinstance(value, (Tensor, list, tuple)):
            raise TypeError(f"Input #{i} is not a tensor: {value}")
    plain = {key: _attr_value(value) for key, value in (attrs or {}).items()}
    op = _core.apply_op(self, op_type, list(inputs), plain, name or "")
    for key, value in (attrs or {}).items():
        if key not in op._attr_names and hasattr(value, "WhichOneof"):
            op._set_attr(key, value)
    return op


def _attr_value(value: Any) -> Any:
    if not hasattr(value, "WhichOneof"):
        return value
    field = value.WhichOneof("value")
    if field == "list":
        fields = value.list.ListFields()
        return [_plain(fields[0][0].name, item) for item in fields[0][1]] if fields else []
    return _plain(field, getattr(value, field))


def _control_outputs(self: Operation) -> list[Operation]:
    return [op for op in self.graph.get_operations() if self in op.control_inputs]


def _traceback(self: Operation) -> list[Any]:
    """Where the operation was made: not recorded, an empty list."""
    return []


def _dtype_numbers(tensors: Any) -> list[Any]:
    return [tensor.dtype for tensor in tensors]


def _input_types(self: Operation) -> list[Any]:
    """The dtypes that the operation takes; reference types where it takes a reference."""
    return [t.dtype if ref else t.dtype.base_dtype for t, ref in zip(self.inputs, self._input_refs)]


def _update_input(self: Operation, index: int, tensor: Tensor) -> None:
    """Takes another tensor as an input. Raises TypeError for one of another graph or dtype."""
    if tensor.graph is not self.graph and tensor.graph != self.graph:
        raise ValueError(f"{tensor} must be from the same graph as {self}.")
    if tensor.dtype.base_dtype != self.inputs[index].dtype.base_dtype:
        raise TypeError(
            f"Input {index} of node {self.name} was passed {tensor.dtype.name} from {tensor.name} incompatible with "
            f"expected {self.inputs[index].dtype.name}."
        )
    self._replace_input(index, tensor)


def _add_control_inputs(self: Operation, ops: Any) -> None:
    for op in ops:
        if not isinstance(op, Operation):
            raise TypeError(f"op must be an Operation: {op}")
        self._add_control_input(op)


def _context(self: Any) -> Any:
    """The loop or conditional that this is part of, as far as Python made one."""
    return self.__dict__.get("_control_flow_context")


def _set_context(self: Any, context: Any) -> None:
    self._control_flow_context = context


# ----------------------------------------------------------------------------------------------------------- tensors


def _shape_as_list(self: Tensor) -> list[int | None] | None:
    return None if self.shape.ndims is None else self.shape.as_list()


def _shape_tuple(self: Tensor) -> tuple[int | None, ...] | None:
    sizes = _shape_as_list(self)
    return None if sizes is None else tuple(sizes)


def _no_length(self: Tensor) -> int:
    raise TypeError(
        f"object of type 'Tensor' has no len(). Consider `tf.shape({self.name})[0]`, which gives a tensor, or its "
        "static shape."
    )


OVERLOADABLE_OPERATORS = {
    f"__{name}__"
    for name in (
        "add radd sub rsub mul rmul div rdiv truediv rtruediv floordiv rfloordiv mod rmod lt le gt ge ne eq and rand "
        "or ror xor rxor getitem pow rpow invert neg abs matmul rmatmul"
    ).split()
}  # fmt: skip


def _override_operator(clazz: type, operator: str, func: Any) -> None:
    """Sets an operator of a class, once.

    Raises:
      ValueError: if it is no operator that may be set, or set already.
    """
    existing = getattr(clazz, operator, None)
    if existing is not None and not isinstance(existing, type(object.__lt__)):
        raise ValueError(f"operator {operator} cannot be overwritten again on class {clazz}.")
    if operator not in OVERLOADABLE_OPERATORS:
        raise ValueError(f"Overriding {operator} is disallowed")
    setattr(clazz, operator, func)


class Reference:
    """A tensor as a key of a dict."""

    def __init__(self, tensor: Tensor) -> None:
        self._tensor = tensor

    def deref(self) -> Tensor:
        return self._tensor

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reference) and self._tensor is other._tensor or (
            isinstance(other, Reference) and bool(Tensor.__hash__(self._tensor) == Tensor.__hash__(other._tensor))
        )  # fmt: skip

    def __hash__(self) -> int:
        return Tensor.__hash__(self._tensor)


def install() -> None:
    """Adds the members to the three classes; framework.py calls it once."""
    Graph._attr_scope, Graph.gradient_override_map = _attr_scope, gradient_override_map
    Graph._kernel_label_map = _kernel_label_map
    Graph.container, Graph.colocate_with, Graph.device = container, colocate_with, device
    Graph.create_op, Graph.as_graph_def = create_op, as_graph_def
    Graph.graph_def_versions = property(_graph_def_versions)
    Graph._building_function = property(lambda self: self._outer is not None)
    Graph._graph_key = property(lambda self: self._state.setdefault("key", f"graph-key-{next(_graph_keys)}/"))
    Graph._get_control_flow_context, Graph._set_control_flow_context = _context, _set_context
    Graph.get_name_scope = lambda self: self._name_scope.rstrip("/")
    Graph.switch_to_thread_local = lambda self: None
    Graph._nodes_by_name = property(lambda self: {op.name: op for op in self.get_operations()})
    Operation.node_def, Operation.op_def = property(_node_def), property(_op_def)
    Operation._node_def, Operation._op_def = Operation.node_def, Operation.op_def
    Operation._set_attr, Operation.colocation_groups = _set_attr, _colocation_groups
    Draft._set_attr, Draft.node_def = _set_attr, property(_draft_node_def)
    Operation.values = lambda self: tuple(self.outputs)
    Operation._id_value = Operation._id
    Operation._control_inputs = property(lambda self: self.control_inputs)
    Operation._control_outputs = property(_control_outputs)
    Operation.traceback = property(_traceback)
    Operation._input_types = property(_input_types)
    Operation._input_dtypes = Operation._input_types
    Operation._output_types = property(lambda self: [int(t.dtype) for t in self.outputs])
    Operation._update_input, Operation._add_control_inputs = _update_input, _add_control_inputs
    Operation._get_control_flow_context, Operation._set_control_flow_context = _context, _set_context
    Operation._original_op = None
    Tensor._shape_as_list, Tensor._shape_tuple, Tensor.__len__ = _shape_as_list, _shape_tuple, _no_length
    Tensor._rank = lambda self: self.shape.ndims
    Tensor._shape = property(lambda self: self.shape)
    Tensor._dtype, Tensor._op = property(lambda self: self.dtype), property(lambda self: self.op)
    Tensor._value_index = property(lambda self: self.value_index)
    Tensor._override_operator = staticmethod(lambda operator, func: _override_operator(Tensor, operator, func))
    Tensor.OVERLOADABLE_OPERATORS = OVERLOADABLE_OPERATORS
    Tensor.experimental_ref = lambda self: Reference(self)
    Tensor._id = property(lambda self: hash(self))
