"""tensorflow.python.data.util.structure: elements of datasets, taken apart into tensors by their specs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from headrace import data_structure, type_specs
from headrace.framework import SparseTensor, Tensor
from headrace.shapes import TensorShape
from headrace.type_specs import SparseTensorSpec, TensorSpec, TypeSpec


def type_spec_from_value(element: Any, use_fallback: bool = True) -> Any:
    """The spec of an element: tuples, dicts and attrs objects of the specs of what is in them."""
    if isinstance(element, dict):
        return type(element)((key, type_spec_from_value(value)) for key, value in element.items())
    if isinstance(element, tuple) and not hasattr(element, "_type_spec"):
        specs = [type_spec_from_value(value) for value in element]
        return type(element)(*specs) if hasattr(element, "_fields") else tuple(specs)
    return type_specs.type_spec_from_value(element)


def are_compatible(spec1: Any, spec2: Any) -> bool:
    """Whether two structures of specs are nested alike, with compatible specs."""
    try:
        data_structure.assert_same_structure(spec1, spec2)
    except (TypeError, ValueError):
        return False
    pairs = zip(data_structure.flatten(spec1), data_structure.flatten(spec2))
    return all(a.is_compatible_with(b) and b.is_compatible_with(a) for a, b in pairs)


def convert_legacy_structure(output_types: Any, output_shapes: Any, output_classes: Any) -> Any:
    """The specs that three structures of dtypes, shapes and classes describe. Raises TypeError for other classes."""

    def spec(dtype: Any, shape: Any, kind: Any) -> Any:
        if isinstance(kind, TypeSpec):
            return kind
        if issubclass(kind, SparseTensor):
            return SparseTensorSpec(shape, dtype)
        if issubclass(kind, Tensor):
            return TensorSpec(shape, dtype)
        raise TypeError(f"Could not build a structure for output class {kind.__name__}. Make sure any component class "
                        f"in `output_classes` is one of: tf.Tensor, tf.SparseTensor.")  # fmt: skip

    types = data_structure.flatten(output_types)
    shapes = [TensorShape(s) for s in data_structure.flatten_up_to(output_types, output_shapes)]
    kinds = data_structure.flatten(output_classes)
    return data_structure.pack_sequence_as(output_classes, [spec(*args) for args in zip(types, shapes, kinds)])


def get_flat_tensor_specs(element_spec: Any) -> list[Any]:
    return [spec for part in data_structure.flatten(element_spec) for spec in part._flat_tensor_specs]


def get_flat_tensor_shapes(element_spec: Any) -> list[Any]:
    return [spec.shape for spec in get_flat_tensor_specs(element_spec)]


def get_flat_tensor_types(element_spec: Any) -> list[Any]:
    return [spec.dtype for spec in get_flat_tensor_specs(element_spec)]


def _to_list(encode: Callable, element_spec: Any, element: Any) -> list[Any]:
    data_structure.assert_same_structure(element_spec, element)
    pairs = zip(data_structure.flatten(element_spec), data_structure.flatten(element))
    return [tensor for spec, value in pairs for tensor in encode(spec, value)]


def to_tensor_list(element_spec: Any, element: Any) -> list[Any]:
    """The tensors of an element."""
    return _to_list(lambda spec, value: spec._to_tensor_list(value), element_spec, element)


def to_batched_tensor_list(element_spec: Any, element: Any) -> list[Any]:
    """The tensors of a batch of elements. Raises ValueError for scalars, which are no batch."""
    return _to_list(lambda spec, value: spec._to_batched_tensor_list(value), element_spec, element)


def _from_list(decode: Callable, element_spec: Any, tensor_list: list[Any]) -> Any:
    specs = data_structure.flatten(element_spec)
    count = sum(len(spec._flat_tensor_specs) for spec in specs)
    if count != len(tensor_list):
        raise ValueError(f"Expected {count} tensors but got {len(tensor_list)}.")
    values, at = [], 0
    for spec in specs:
        width = len(spec._flat_tensor_specs)
        values.append(decode(spec, tensor_list[at : at + width]))
        at += width
    return data_structure.pack_sequence_as(element_spec, values)


def from_tensor_list(element_spec: Any, tensor_list: list[Any]) -> Any:
    """An element of its tensors. Raises ValueError for tensors that do not fit."""
    return _from_list(lambda spec, tensors: spec._from_tensor_list(tensors), element_spec, tensor_list)


def from_compatible_tensor_list(element_spec: Any, tensor_list: list[Any]) -> Any:
    return _from_list(lambda spec, tensors: spec._from_compatible_tensor_list(tensors), element_spec, tensor_list)


def get_structure(dataset_or_iterator: Any) -> Any:
    """The specs of a dataset's or iterator's elements. Raises TypeError for anything else."""
    try:
        return dataset_or_iterator.element_spec
    except AttributeError:
        raise TypeError(
            f"`dataset_or_iterator` must be a Dataset or Iterator object, but got {type(dataset_or_iterator)}."
        ) from None
