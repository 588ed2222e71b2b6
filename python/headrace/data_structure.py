"""The nest of tf.data: as tf.nest, but lists are leaves (they become tensors), and so are sparse tensors' values."""

from __future__ import annotations

from typing import Any

from headrace import structure


def is_sequence(value: Any) -> bool:
    """Whether a value is taken apart: a tuple, a mapping or an attrs object."""
    return isinstance(value, (tuple, dict)) and type(value).__name__ != "SparseTensorValue" or (
        not isinstance(value, (list, str, bytes)) and (structure._is_mapping(value) or structure._is_attrs(value))
    )  # fmt: skip


_NEST = structure.Kinds(is_sequence)
flatten = _NEST.flatten
pack_sequence_as = _NEST.pack_sequence_as
map_structure = _NEST.map_structure
assert_same_structure = _NEST.assert_same_structure
assert_shallow_structure = _NEST.assert_shallow_structure
flatten_up_to = _NEST.flatten_up_to
map_structure_up_to = _NEST.map_structure_up_to
