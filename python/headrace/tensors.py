"""Tensors as messages (tf.make_tensor_proto, tf.make_ndarray) and what is known of them while the graph is built."""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace import dtypes, framework
from headrace.shapes import TensorShape

# The list of a TensorProto that holds the values of a dtype; other dtypes are in int_val.
_FIELDS = {
    "float32": "float_val", "float64": "double_val", "int64": "int64_val", "bool": "bool_val", "uint32": "uint32_val",
    "uint64": "uint64_val", "float16": "half_val", "bfloat16": "half_val", "complex64": "scomplex_val",
    "complex128": "dcomplex_val", "string": "string_val",
}  # fmt: skip


_LISTED = ("bool_val", "half_val", "scomplex_val", "dcomplex_val")  # never as raw bytes
_ENABLE_MAYBE_SET_STATIC_SHAPE = True


def make_tensor_proto(
    values: Any, dtype: Any = None, shape: Any = None, verify_shape: bool = False, allow_broadcast: bool = False
) -> Any:
    """A TensorProto message of the values, by the rules of tf.constant.

    Raises:
      TypeError: for values that do not fit the dtype. ValueError: for a shape of another number of elements.
    """
    from headrace.protos import tensor_pb2

    if isinstance(values, tensor_pb2.TensorProto):
        return values
    if values is None:
        raise ValueError("None values not supported.")
    if framework.is_tensor(values):
        raise TypeError(f"List of Tensors when single Tensor expected, or a Tensor where values are: {values!r}")
    with framework.Graph().as_default():
        constant = framework.constant(values, dtype)
        array = np.asarray(framework.constant_value(constant))
        kind = constant.dtype
    sizes = list(array.shape) if shape is None else [int(s) for s in TensorShape(shape).as_list()]
    count = int(np.prod(sizes, dtype=np.int64))
    if verify_shape and list(array.shape) != sizes:
        raise TypeError(f"Expected Tensor's shape: {tuple(sizes)}, got {array.shape}.")
    if array.size > count:
        raise ValueError(f"Too many elements provided. Needed at most {count}, but received {array.size}")
    proto = tensor_pb2.TensorProto(dtype=kind.as_datatype_enum, tensor_shape=TensorShape(sizes).as_proto())
    if kind.name == "string":
        proto.string_val.extend(_bytes(v) for v in array.reshape(-1))
    elif array.size == count and array.size > 1 and _FIELDS.get(kind.name) not in _LISTED:
        proto.tensor_content = np.ascontiguousarray(array).tobytes()
    else:
        _extend(proto, kind, array.reshape(-1))
    return proto


def _bytes(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(value)


def _extend(proto: Any, kind: Any, flat: np.ndarray) -> None:
    if kind.is_complex:
        flat = flat.view(flat.real.dtype)
    elif kind.name in ("float16", "bfloat16"):
        flat = flat.view(np.uint16)
    getattr(proto, _FIELDS.get(kind.name, "int_val")).extend(flat.tolist())


def make_ndarray(tensor: Any) -> np.ndarray:
    """The NumPy array of a TensorProto message."""
    sizes = [d.size for d in tensor.tensor_shape.dim]
    count = int(np.prod(sizes, dtype=np.int64))
    kind = dtypes.as_dtype(tensor.dtype)
    if tensor.tensor_content:
        return np.frombuffer(tensor.tensor_content, kind.as_numpy_dtype).copy().reshape(sizes)
    field = _FIELDS.get(kind.name, "int_val")
    given = list(getattr(tensor, field))
    if kind.name == "string":
        values = np.array(given, object)
    elif kind.is_complex:
        values = np.array([complex(*pair) for pair in zip(given[::2], given[1::2])], kind.as_numpy_dtype)
    elif kind.name in ("float16", "bfloat16"):
        values = np.array(given, np.uint16).view(kind.as_numpy_dtype)
    else:
        values = np.array(given, kind.as_numpy_dtype)
    if values.size == 0 and count:
        values = np.zeros(1, kind.as_numpy_dtype)
    if values.size < count:  # the last one is repeated
        values = np.concatenate([values, np.repeat(values[-1:], count - values.size)])
    return values.reshape(sizes)


MakeNdarray = make_ndarray


def ShapeEquals(tensor_proto: Any, shape: Any) -> bool:  # noqa: N802
    """Whether a TensorProto has a shape, given as a list, tuple or TensorShapeProto.

    Raises:
      TypeError: for a first argument that is no TensorProto.
    """
    from headrace.protos import tensor_pb2

    if not isinstance(tensor_proto, tensor_pb2.TensorProto):
        raise TypeError("tensor_proto is not a tensor_pb2.TensorProto object")
    if isinstance(shape, tensor_pb2.TensorShapeProto):
        shape = [d.size for d in shape.dim]
    elif not isinstance(shape, (list, tuple)):
        raise TypeError("shape is not a list or tuple")
    return [d.size for d in tensor_proto.tensor_shape.dim] == list(shape)


def constant_value(tensor: Any, partial: bool = False) -> np.ndarray | None:
    """The value of a tensor if it is known while the graph is built, an array even of a scalar; else None."""
    value = framework.constant_value(tensor)
    if value is None or isinstance(value, np.ndarray):
        return value
    return np.array(value, object if isinstance(value, (bytes, str)) else None)


def constant_value_as_shape(tensor: Any) -> TensorShape:
    """The shape that a vector of sizes gives, as far as it is known."""
    if isinstance(tensor, (list, tuple)):
        return TensorShape(tensor)
    value = framework.constant_value(tensor)
    if value is not None:
        return TensorShape([None if v < 0 else int(v) for v in value])
    rank = tensor.shape.as_list()[0] if tensor.shape.ndims == 1 else None
    return TensorShape(None if rank is None else [None] * rank)


def shape_tensor(shape: Any) -> Any:
    """The sizes as a tensor, int32 unless they need int64."""
    if isinstance(shape, TensorShape):
        shape = shape.as_list()
    dtype = None
    if isinstance(shape, (tuple, list)):
        dtype = dtypes.int64 if any(isinstance(s, int) and s > np.iinfo(np.int32).max for s in shape) else dtypes.int32
        shape = [s.value if hasattr(s, "value") and not framework.is_tensor(s) else s for s in shape]
    return framework.convert_to_tensor(shape, dtype, "shape")


def maybe_set_static_shape(tensor: Any, shape: Any) -> None:
    """Gives a tensor the shape that a tensor of sizes is known to hold."""
    if _ENABLE_MAYBE_SET_STATIC_SHAPE and not tensor.shape.is_fully_defined() and framework.is_tensor(shape):
        tensor.set_shape(constant_value_as_shape(shape))
