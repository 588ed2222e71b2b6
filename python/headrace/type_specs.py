"""tf.TypeSpec and its kinds: what is known of a value (a tensor, a sparse tensor, …) before there is one.

A spec says of which tensors its values consist (`_component_specs`), and takes values apart and together.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from headrace import dtypes, structure
from headrace.framework import IndexedSlices, SparseTensor, SparseTensorValue, Tensor, convert_to_tensor
from headrace.shapes import TensorShape


class CompositeTensor:
    """A value that consists of tensors; `_type_spec` says how."""

    @property
    def _type_spec(self) -> Any:
        raise NotImplementedError(f"{type(self).__name__}._type_spec()")

    def _to_components(self) -> Any:
        return self._type_spec._to_components(self)

    def _component_metadata(self) -> Any:
        return self._type_spec

    def _shape_invariant_to_type_spec(self, shape: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__}._shape_invariant_to_type_spec")

    def _consumers(self) -> list[Any]:
        parts = structure.flatten(self, expand_composites=True)
        return list({c.name: c for part in parts if hasattr(part, "graph") for c in part.consumers()}.values())


def _compatible(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(_compatible, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_compatible(a[key], b[key]) for key in a)
    if isinstance(a, (TypeSpec, TensorShape, dtypes.DType)):
        return a.is_compatible_with(b)
    return bool(np.all(a == b))


def _merged(a: Any, b: Any) -> Any:
    """The most specific description of which both are cases."""
    alike = type(a) is type(b)
    if alike and isinstance(a, tuple) and len(a) == len(b):
        return tuple(map(_merged, a, b))
    if alike and isinstance(a, dict) and a.keys() == b.keys():
        return {key: _merged(a[key], b[key]) for key in a}
    if alike and isinstance(a, TensorShape):
        return a.most_specific_compatible_shape(b)
    if alike and isinstance(a, TypeSpec):
        return a.most_specific_compatible_type(b)
    if alike and not isinstance(a, (tuple, dict)) and np.all(a == b):
        return a
    raise ValueError(f"Types are not compatible: {a!r} vs {b!r}")


def _key(value: Any, owner: str) -> Any:
    """A hashable form of what a spec is made of."""
    if value is None or isinstance(value, (int, float, str, bytes, dtypes.DType, TypeSpec)):
        return value
    if isinstance(value, dict):
        return tuple((_key(key, owner), _key(value[key], owner)) for key in sorted(value))
    if isinstance(value, tuple):
        return tuple(_key(part, owner) for part in value)
    if isinstance(value, TensorShape):
        return TensorShape, None if value.ndims is None else tuple(value.as_list())
    if isinstance(value, np.ndarray):
        return np.ndarray, value.shape, _nested_tuple(value.tolist())
    raise ValueError(f"Unsupported value type {type(value).__name__} returned by {owner}._serialize")


def _nested_tuple(value: Any) -> Any:
    return tuple(_nested_tuple(part) for part in value) if isinstance(value, list) else value


class TypeSpec:
    """What is known of a value. Subclasses give `value_type`, `_serialize` and the three about components."""

    __slots__ = ()

    @property
    def value_type(self) -> type:
        raise NotImplementedError(f"{type(self).__name__}.value_type")

    def is_compatible_with(self, spec_or_value: Any) -> bool:
        """Whether a value, or every value of another spec, can be one of this spec."""
        other = spec_or_value if isinstance(spec_or_value, TypeSpec) else type_spec_from_value(spec_or_value)
        return type(self) is type(other) and _compatible(self._serialize(), other._serialize())

    def most_specific_compatible_type(self, other: TypeSpec) -> TypeSpec:
        """The narrowest spec that both are compatible with. Raises ValueError if there is none."""
        if type(self) is not type(other):
            raise ValueError(f"No TypeSpec is compatible with both {self} and {other}")
        return self._deserialize(_merged(self._serialize(), other._serialize()))

    def _to_components(self, value: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__}._to_components()")

    def _from_components(self, components: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__}._from_components()")

    @property
    def _component_specs(self) -> Any:
        raise NotImplementedError(f"{type(self).__name__}._component_specs()")

    def _to_tensor_list(self, value: Any) -> list[Any]:
        return structure.flatten(self._to_components(value), expand_composites=True)

    def _from_tensor_list(self, tensor_list: list[Any]) -> Any:
        """A value of its tensors. Raises ValueError for tensors that do not fit."""
        expected = self._flat_tensor_specs
        if len(tensor_list) != len(expected):
            raise ValueError("Incompatible input: wrong number of tensors")
        for i, (tensor, spec) in enumerate(zip(tensor_list, expected)):
            if not type_spec_from_value(tensor).is_compatible_with(spec):
                raise ValueError(f"Incompatible input: tensor {i} ({tensor}) is incompatible with {spec}")
        return self._from_compatible_tensor_list(tensor_list)

    def _from_compatible_tensor_list(self, tensor_list: list[Any]) -> Any:
        return self._from_components(
            structure.pack_sequence_as(self._component_specs, tensor_list, expand_composites=True)
        )

    @property
    def _flat_tensor_specs(self) -> list[Any]:
        return structure.flatten(self._component_specs, expand_composites=True)

    def _serialize(self) -> Any:
        """The arguments that make this spec: numbers, strings, shapes, dtypes, specs, arrays, and tuples of these."""
        raise NotImplementedError(f"{type(self).__name__}._serialize()")

    @classmethod
    def _deserialize(cls, serialization: Any) -> Any:
        return cls(*serialization)

    def _to_legacy_output_types(self) -> Any:
        raise NotImplementedError(f"{type(self).__name__}._to_legacy_output_types()")

    def _to_legacy_output_shapes(self) -> Any:
        raise NotImplementedError(f"{type(self).__name__}._to_legacy_output_shapes()")

    def _to_legacy_output_classes(self) -> Any:
        return self.value_type

    def __eq__(self, other: object) -> bool:
        name = type(self).__name__
        return type(other) is type(self) and _key(self._serialize(), name) == _key(other._serialize(), name)

    def __hash__(self) -> int:
        return hash((type(self), _key(self._serialize(), type(self).__name__)))

    def __reduce__(self) -> Any:
        return type(self), self._serialize()

    def __repr__(self) -> str:
        return f"{type(self).__name__}{self._serialize()!r}"


class BatchableTypeSpec(TypeSpec):
    """A spec whose values can be stacked and taken apart along a first dimension."""

    __slots__ = ()

    def _batch(self, batch_size: int | None) -> Any:
        raise NotImplementedError(f"{type(self).__name__}._batch")

    def _unbatch(self) -> Any:
        raise NotImplementedError(f"{type(self).__name__}._unbatch")

    def _to_batched_tensor_list(self, value: Any) -> list[Any]:
        tensors = self._to_tensor_list(value)
        if any(t.shape.ndims == 0 for t in tensors):
            raise ValueError(f"Value {value} has insufficient rank for batching.")
        return tensors


class _Shaped(BatchableTypeSpec):
    """A spec with a shape and a dtype, the first dimension of which is a batch's."""

    __slots__ = ("_shape", "_dtype")
    shape = property(lambda self: self._shape)
    dtype = property(lambda self: self._dtype)

    def _batch(self, batch_size: int | None) -> Any:
        return type(self)(TensorShape([batch_size]).concatenate(self._shape), self._dtype)

    def _unbatch(self) -> Any:
        if self._shape.ndims == 0:
            raise ValueError("Unbatching a tensor is only supported for rank >= 1")
        return type(self)(self._shape[1:], self._dtype)

    def _to_legacy_output_types(self) -> Any:
        return self._dtype

    def _to_legacy_output_shapes(self) -> Any:
        return self._shape


class TensorSpec(_Shaped):
    """A tensor's shape, dtype and name.

    >>> import tensorflow as tf
    >>> tf.TensorSpec([None, 3], tf.int32).is_compatible_with(tf.ones([2, 3], tf.int32))
    True
    """

    __slots__ = ("_name",)
    name = property(lambda self: self._name)
    value_type = property(lambda self: Tensor)
    _component_specs = property(lambda self: self)

    def __init__(self, shape: Any, dtype: Any = dtypes.float32, name: str | None = None) -> None:
        self._shape, self._dtype, self._name = TensorShape(shape), dtypes.as_dtype(dtype), name

    @classmethod
    def from_spec(cls, spec: Any, name: str | None = None) -> TensorSpec:
        return cls(spec.shape, spec.dtype, name or spec.name)

    @classmethod
    def from_tensor(cls, tensor: Any, name: str | None = None) -> TensorSpec:
        if not isinstance(tensor, Tensor):
            raise ValueError("`tensor` should be a tf.Tensor")
        return TensorSpec(tensor.shape, tensor.dtype, name or tensor.op.name)

    def is_compatible_with(self, spec_or_tensor: Any) -> bool:
        """Whether a tensor, or the tensors of another spec, have this dtype and a shape that this one may have."""
        return (
            isinstance(spec_or_tensor, (TensorSpec, Tensor))
            and self._dtype.is_compatible_with(spec_or_tensor.dtype)
            and self._shape.is_compatible_with(spec_or_tensor.shape)
        )

    def most_specific_compatible_type(self, other: Any) -> TensorSpec:
        if type(self) is not type(other) or self._dtype != other.dtype:
            raise ValueError(f"Types are not compatible: {self!r} vs {other!r}")
        shape = self._shape.most_specific_compatible_shape(other.shape)
        return TensorSpec(shape, self._dtype, self._name if self._name == other.name else None)

    def _serialize(self) -> Any:
        return self._shape, self._dtype, self._name

    def _to_components(self, value: Any) -> Any:
        try:
            value = convert_to_tensor(value, self._dtype)
        except (TypeError, ValueError):
            raise ValueError(f"Value {value!r} is not convertible to a tensor with dtype {self._dtype!s} and shape "
                             f"{self._shape}.") from None  # fmt: skip
        if not value.shape.is_compatible_with(self._shape):
            raise ValueError(f"Value {value!r} is not convertible to a tensor with dtype {self._dtype!s} and shape "
                             f"{self._shape}.")  # fmt: skip
        return value

    def _from_components(self, components: Any) -> Any:
        return components

    def _from_compatible_tensor_list(self, tensor_list: list[Any]) -> Any:
        if isinstance(tensor_list[0], Tensor):
            tensor_list[0].set_shape(self._shape)
        return tensor_list[0]

    def __eq__(self, other: object) -> bool:
        return TypeSpec.__eq__(self, other)

    def __hash__(self) -> int:
        return hash((self._shape, self._dtype))

    def __repr__(self) -> str:
        return f"TensorSpec(shape={self._shape}, dtype={self._dtype!r}, name={self._name!r})"


class BoundedTensorSpec(TensorSpec):
    """A TensorSpec with the least and the largest value, each broadcastable to the shape."""

    __slots__ = ("_minimum", "_maximum")
    minimum = property(lambda self: self._minimum)
    maximum = property(lambda self: self._maximum)

    def __init__(self, shape: Any, dtype: Any, minimum: Any, maximum: Any, name: str | None = None) -> None:
        super().__init__(shape, dtype, name)
        if minimum is None or maximum is None:
            raise ValueError(f"minimum and maximum must be provided; but saw '{minimum}' and '{maximum}'")
        self._minimum, self._maximum = (
            self._bound(b, kind) for b, kind in ((minimum, "minimum"), (maximum, "maximum"))
        )

    def _bound(self, value: Any, kind: str) -> np.ndarray:
        shape = np.shape(value)
        sizes = self._shape.as_list() if self._shape.ndims is not None else []
        fits = len(shape) <= len(sizes) or self._shape.ndims is None
        for mine, given in zip(sizes[::-1], shape[::-1]):
            fits = fits and (mine is None or given in (1, mine))
        if not fits:
            raise ValueError(f"{kind} is not compatible with shape. Message: shapes {self._shape} and {shape}.")
        array = np.array(value, self._dtype.as_numpy_dtype)
        array.setflags(write=False)
        return array

    @classmethod
    def from_spec(cls, spec: Any, name: str | None = None) -> BoundedTensorSpec:  # type: ignore[override]
        dtype = dtypes.as_dtype(spec.dtype)
        minimum, maximum = getattr(spec, "minimum", dtype.min), getattr(spec, "maximum", dtype.max)
        return BoundedTensorSpec(spec.shape, dtype, minimum, maximum, spec.name)

    def _serialize(self) -> Any:
        return self._shape, self._dtype, self._minimum, self._maximum, self._name

    def __eq__(self, other: object) -> bool:
        return (
            type(self) is type(other)
            and _key((self.shape, self.dtype, self.name), "") == _key((other.shape, other.dtype, other.name), "")
            and np.allclose(self.minimum, other.minimum)
            and np.allclose(self.maximum, other.maximum)
        )

    __hash__ = TensorSpec.__hash__

    def __repr__(self) -> str:
        return (
            f"BoundedTensorSpec(shape={self._shape}, dtype={self._dtype!r}, name={self._name!r}, "
            f"minimum={self._minimum!r}, maximum={self._maximum!r})"
        )


class SparseTensorSpec(_Shaped):
    """A sparse tensor's dense shape and dtype."""

    __slots__ = ()
    value_type = property(lambda self: SparseTensor)

    def __init__(self, shape: Any = None, dtype: Any = dtypes.float32) -> None:
        self._shape, self._dtype = TensorShape(shape), dtypes.as_dtype(dtype)

    @classmethod
    def from_value(cls, value: Any) -> SparseTensorSpec:
        if isinstance(value, SparseTensor):
            return cls(value.shape, value.dtype)
        if isinstance(value, SparseTensorValue):
            if isinstance(value.values, np.ndarray):
                return cls(value.dense_shape, value.values.dtype)
            return cls.from_value(SparseTensor.from_value(value))
        raise TypeError("Expected SparseTensor or SparseTensorValue")

    def _serialize(self) -> Any:
        return self._shape, self._dtype

    @property
    def _component_specs(self) -> Any:
        rank = self._shape.ndims
        return [
            TensorSpec([None, rank], dtypes.int64),
            TensorSpec([None], self._dtype),
            TensorSpec([rank], dtypes.int64),
        ]

    def _to_components(self, value: Any) -> Any:
        value = SparseTensor.from_value(value)
        return [value.indices, value.values, value.dense_shape]

    def _from_components(self, components: Any) -> Any:
        if all(isinstance(part, np.ndarray) for part in components):
            return SparseTensorValue(*components)
        return SparseTensor(*components)


class IndexedSlicesSpec(TypeSpec):
    """Slices of a tensor: its shape and dtype, and the dtype of the slices' numbers."""

    __slots__ = ("_shape", "_values_dtype", "_indices_dtype", "_dense_shape_dtype", "_indices_shape")
    value_type = property(lambda self: IndexedSlices)

    def __init__(
        self, shape: Any = None, dtype: Any = dtypes.float32, indices_dtype: Any = dtypes.int64,
        dense_shape_dtype: Any = None, indices_shape: Any = None,
    ) -> None:  # fmt: skip
        self._shape = TensorShape(shape)
        self._values_dtype, self._indices_dtype = dtypes.as_dtype(dtype), dtypes.as_dtype(indices_dtype)
        self._dense_shape_dtype = None if dense_shape_dtype is None else dtypes.as_dtype(dense_shape_dtype)
        self._indices_shape = TensorShape(indices_shape).with_rank(1)

    def _serialize(self) -> Any:
        return self._shape, self._values_dtype, self._indices_dtype, self._dense_shape_dtype, self._indices_shape

    @property
    def _component_specs(self) -> Any:
        values = self._indices_shape.concatenate(self._shape[1:])
        specs = [TensorSpec(values, self._values_dtype), TensorSpec(self._indices_shape, self._indices_dtype)]
        if self._dense_shape_dtype is not None:
            specs.append(TensorSpec([self._shape.ndims], self._dense_shape_dtype))
        return tuple(specs)

    def _to_components(self, value: Any) -> Any:
        if value.dense_shape is None:
            return value.values, value.indices
        return value.values, value.indices, value.dense_shape

    def _from_components(self, components: Any) -> Any:
        return IndexedSlices(*components)


# --------------------------------------------------------------------------------------------------- specs of values


_converters: list[tuple[type, Callable]] = []


def register_type_spec_from_value_converter(
    type_object: type, converter_fn: Callable, allow_subclass: bool = False
) -> None:
    """Values of a class get the spec that a function makes of them."""
    _converters.append((type_object, converter_fn))
    del allow_subclass


def type_spec_from_value(value: Any) -> Any:
    """The TypeSpec of a value. Raises TypeError for what has none."""
    if isinstance(value, TypeSpec):
        return value
    if isinstance(value, (SparseTensor, SparseTensorValue)):
        return SparseTensorSpec.from_value(value)
    if isinstance(value, Tensor):
        return TensorSpec(value.shape, value.dtype)
    if isinstance(value, CompositeTensor) or hasattr(value, "_type_spec"):
        return value._type_spec
    for kind, converter in reversed(_converters):
        if type(value) is kind:
            return converter(value)
    if isinstance(value, list) and value:
        specs = [type_spec_from_value(part) for part in value]
        try:
            merged = functools.reduce(lambda a, b: a.most_specific_compatible_type(b), specs)
            return merged._batch(len(specs))
        except (ValueError, TypeError, AttributeError):
            pass  # as a tensor, below
    try:
        tensor = convert_to_tensor(value)
    except (ValueError, TypeError):
        raise TypeError(f"Could not build a TypeSpec for {value!r} with type {type(value).__name__}") from None
    return TensorSpec(tensor.shape, tensor.dtype)
