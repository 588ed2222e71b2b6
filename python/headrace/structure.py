"""tf.nest: lists, tuples, namedtuples, dicts and attrs objects of anything, taken apart and put together.

What is taken apart is decided by a `Kinds`: tf.nest's takes lists apart, that of tf.data (data_structure) does not.
Dicts are walked in the order of their sorted keys, whatever their own order is.
"""

from __future__ import annotations

import collections
import collections.abc
from collections.abc import Callable, Iterable, Iterator
from typing import Any

_STRUCTURES_HAVE_MISMATCHING_LENGTHS = (
    "The two structures don't have the same sequence length. Input structure has length {input_length}, while shallow "
    "structure has length {shallow_length}."
)
_STRUCTURES_HAVE_MISMATCHING_TYPES = (
    "The two structures don't have the same sequence type. Input structure has type {input_type}, while shallow "
    "structure has type {shallow_type}."
)
_SHALLOW_TREE_HAS_INVALID_KEYS = (
    "The shallow_tree's keys are not a subset of the input_tree's keys. The shallow_tree has the following keys that "
    "are not in the input_tree: {}."
)
_INPUT_TREE_SMALLER_THAN_SHALLOW_TREE = (
    "The input_tree has fewer elements than the shallow_tree. Input structure has length {input_size}, while shallow "
    "structure has length {shallow_size}."
)
_IF_SHALLOW_IS_SEQ_INPUT_MUST_BE_SEQ = (
    "If shallow structure is a sequence, input must also be a sequence. Input has type: {}."
)


def _is_mapping(value: Any) -> bool:
    return isinstance(value, collections.abc.Mapping)


def _is_attrs(value: Any) -> bool:
    return hasattr(type(value), "__attrs_attrs__")


def _is_namedtuple(value: Any, strict: bool = False) -> bool:
    fields = getattr(value, "_fields", None)
    named = isinstance(value, tuple) and isinstance(fields, tuple) and all(isinstance(f, str) for f in fields)
    return named and (not strict or type(value).__base__ is tuple)


def _is_composite_tensor(value: Any) -> bool:
    return hasattr(value, "_to_components") and hasattr(value, "_type_spec")


def _sorted_keys(mapping: Any) -> list[Any]:
    try:
        return sorted(mapping)
    except TypeError:
        raise TypeError("nest only supports dicts with sortable keys.") from None


def _same_namedtuples(a: Any, b: Any) -> bool:
    return type(a).__name__ == type(b).__name__ and a._fields == b._fields


def is_sequence(value: Any) -> bool:
    """Whether a value is taken apart: a sequence other than a string, a mapping, an attrs object."""
    if isinstance(value, (list, tuple, dict)):
        return True
    if isinstance(value, (str, bytes, bytearray)):
        return False
    return (
        isinstance(value, (collections.abc.Sequence, collections.abc.Mapping, collections.abc.MappingView))
        and not hasattr(value, "as_list")
    ) or _is_attrs(value)


is_nested = is_sequence


def is_sequence_or_composite(value: Any) -> bool:
    return is_sequence(value) or _is_composite_tensor(value)


def _items(structure: Any) -> list[tuple[Any, Any]]:
    """The (key, value) pairs of one level, in the order in which they are walked."""
    if _is_mapping(structure):
        return [(key, structure[key]) for key in _sorted_keys(structure)]
    if _is_attrs(structure):
        return [(a.name, getattr(structure, a.name)) for a in type(structure).__attrs_attrs__]
    if _is_namedtuple(structure):
        return list(zip(structure._fields, structure))
    if _is_composite_tensor(structure):
        return [(type(structure).__name__, structure._to_components())]
    return list(enumerate(structure))


_yield_sorted_items = _items


def _yield_value(structure: Any) -> Iterator[Any]:
    return (value for _, value in _items(structure))


def _sequence_like(instance: Any, values: Iterable[Any]) -> Any:
    """The values in a structure of the kind that `instance` is."""
    if _is_mapping(instance):
        result = dict(zip(_sorted_keys(instance), values))
        if isinstance(instance, collections.defaultdict):
            made = collections.defaultdict(instance.default_factory)
            made.update((key, result[key]) for key in instance)
            return made
        return type(instance)((key, result[key]) for key in instance)
    if _is_namedtuple(instance) or _is_attrs(instance):
        return type(instance)(*values)
    if _is_composite_tensor(instance):
        (components,) = values
        return instance._type_spec._from_components(components)
    if isinstance(instance, (range, collections.abc.MappingView)):
        return list(values)
    return type(instance)(values)


_DOT = type("_Dot", (), {"__repr__": lambda self: "."})()


class Kinds:
    """The functions of a nest module, for one rule of what is taken apart."""

    def __init__(self, is_sequence: Callable[[Any], bool]) -> None:
        self._is_sequence = is_sequence

    def _apart(self, expand_composites: bool) -> Callable[[Any], bool]:
        if not expand_composites:
            return self._is_sequence
        return lambda value: self._is_sequence(value) or _is_composite_tensor(value)

    # ----------------------------------------------------------------------------------------------- apart, together

    def flatten(self, structure: Any, expand_composites: bool = False) -> list[Any]:
        """The leaves of a structure, in order; of something that isn't taken apart, itself alone."""
        apart = self._apart(expand_composites)
        flat: list[Any] = []

        def walk(value: Any) -> None:
            if apart(value):
                for _, item in _items(value):
                    walk(item)
            else:
                flat.append(value)

        walk(structure)
        return flat

    def pack_sequence_as(self, structure: Any, flat_sequence: Any, expand_composites: bool = False) -> Any:
        """The structure with other leaves.

        Raises:
          ValueError: if their number is not that of the structure's leaves.
        """
        apart = self._apart(expand_composites)
        if not is_sequence(flat_sequence):
            raise TypeError("flat_sequence must be a sequence")
        if not apart(structure):
            if len(flat_sequence) != 1:
                raise ValueError(f"Structure is a scalar but len(flat_sequence) == {len(flat_sequence)} > 1")
            return flat_sequence[0]
        count = len(self.flatten(structure, expand_composites))
        if count != len(flat_sequence):
            raise ValueError(
                f"Could not pack sequence. Structure had {count} elements, but flat_sequence had {len(flat_sequence)} "
                f"elements.  Structure: {structure}, flat_sequence: {flat_sequence}."
            )
        leaves = iter(flat_sequence)

        def build(value: Any) -> Any:
            if not apart(value):
                return next(leaves)
            return _sequence_like(value, [build(item) for _, item in _items(value)])

        return build(structure)

    def map_structure(self, func: Callable, *structure: Any, **kwargs: Any) -> Any:
        """func of the leaves of one or more structures of one kind, in that structure.

        Args:
          check_types: whether a list and a tuple differ (True).
          expand_composites: whether sparse tensors and their like are taken apart (False).
        """
        if not callable(func):
            raise TypeError(f"func must be callable, got: {func}")
        if not structure:
            raise ValueError("Must provide at least one structure")
        check_types = kwargs.pop("check_types", True)
        expand_composites = kwargs.pop("expand_composites", False)
        if kwargs:
            raise ValueError(
                "Only valid keyword arguments are `check_types` and `expand_composites`, not: "
                f"`{'`, `'.join(kwargs)}`"
            )  # fmt: skip
        for other in structure[1:]:
            self.assert_same_structure(structure[0], other, check_types, expand_composites)
        leaves = zip(*[self.flatten(s, expand_composites) for s in structure])
        return self.pack_sequence_as(structure[0], [func(*x) for x in leaves], expand_composites)

    # ---------------------------------------------------------------------------------------------------- comparison

    def assert_same_structure(
        self, nest1: Any, nest2: Any, check_types: bool = True, expand_composites: bool = False
    ) -> None:
        """Raises ValueError (or TypeError, for the types of sequences) unless both are nested alike."""
        apart = self._apart(expand_composites)
        leaves1, leaves2 = (len(self.flatten(n, expand_composites)) if apart(n) else 1 for n in (nest1, nest2))

        def shown() -> str:
            def dotted(nest: Any) -> str:
                return str(self.map_structure(lambda _: _DOT, nest))

            return f"Entire first structure:\n{dotted(nest1)}\nEntire second structure:\n{dotted(nest2)}"

        def differ(kind: type[Exception], a: Any, b: Any, why: str, what: str = "nested structure") -> Exception:
            count = ""
            if leaves1 != leaves2 and apart(nest1) == apart(nest2):
                count = (
                    f"The two structures don't have the same number of elements. First structure has {leaves1}, second "
                    f"has {leaves2}.\n\n"
                )  # fmt: skip
            return kind(
                f"{count}The two structures don't have the same {what}.\n\nFirst structure: type={type(a).__name__} "
                f"str={a}\n\nSecond structure: type={type(b).__name__} str={b}\n\nMore specifically: {why}\n{shown()}"
            )

        def walk(a: Any, b: Any) -> None:
            if apart(a) != apart(b):
                is_, is_not = (a, b) if apart(a) else (b, a)
                why = f"Substructure {_described(is_)} is a sequence, while substructure {_described(is_not)} is not"
                raise differ(ValueError, nest1, nest2, why)
            if not apart(a):
                return
            if check_types:
                self._same_types(a, b, nest1, nest2, differ)
            if _is_mapping(a) and _is_mapping(b) and set(a) != set(b):
                raise ValueError(
                    "The two dictionaries don't have the same set of keys. First structure has keys "
                    f"{list(a)}, while second structure has keys {list(b)}\n{shown()}"
                )
            firsts, seconds = _items(a), _items(b)
            if len(firsts) != len(seconds):
                raise differ(ValueError, nest1, nest2, f"{_described(a)} and {_described(b)} have not the same length",
                             "number of elements")  # fmt: skip
            for (_, x), (_, y) in zip(firsts, seconds):
                walk(x, y)

        walk(nest1, nest2)

    @staticmethod
    def _same_types(a: Any, b: Any, nest1: Any, nest2: Any, differ: Callable) -> None:
        if _is_namedtuple(a) and _is_namedtuple(b):
            if not _same_namedtuples(a, b):
                raise differ(
                    TypeError, nest1, nest2,
                    f"First namedtuple {type(a)} has type name and fields {type(a).__name__} {a._fields}, second "
                    f"namedtuple {type(b)} has {type(b).__name__} {b._fields}", "sequence type",
                )  # fmt: skip
            return
        alike = type(a) is type(b) or (_is_mapping(a) and _is_mapping(b)) or (
            isinstance(a, list) and isinstance(b, list)
        )  # fmt: skip
        if not alike and not (_is_composite_tensor(a) and _is_composite_tensor(b)):
            why = f"First structure has type {type(a)}, while second structure has type {type(b)}"
            raise differ(TypeError, nest1, nest2, why, "sequence type")

    # ------------------------------------------------------------------------------------------------------ shallow

    def assert_shallow_structure(
        self, shallow_tree: Any, input_tree: Any, check_types: bool = True, expand_composites: bool = False
    ) -> None:
        """Raises ValueError or TypeError unless `input_tree` is nested at least as `shallow_tree` is."""
        apart = self._apart(expand_composites)
        if not apart(shallow_tree):
            return
        if not apart(input_tree):
            raise TypeError(_IF_SHALLOW_IS_SEQ_INPUT_MUST_BE_SEQ.format(type(input_tree)))
        if check_types and not isinstance(input_tree, type(shallow_tree)):
            named = _is_namedtuple(shallow_tree) and _is_namedtuple(input_tree)
            alike = _same_namedtuples(shallow_tree, input_tree) if named else (
                _is_mapping(shallow_tree) and _is_mapping(input_tree)
            )  # fmt: skip
            if not alike:
                raise TypeError(
                    _STRUCTURES_HAVE_MISMATCHING_TYPES.format(
                        input_type=type(input_tree), shallow_type=type(shallow_tree)
                    )
                )
        if _is_mapping(shallow_tree):
            missing = sorted(set(shallow_tree) - set(input_tree))
            if missing:
                raise ValueError(_SHALLOW_TREE_HAS_INVALID_KEYS.format(missing))
            if len(shallow_tree) != len(input_tree):
                raise self._lengths(shallow_tree, input_tree)
            pairs = [(shallow_tree[key], input_tree[key]) for key in shallow_tree]
        else:
            shallow, deep = list(_yield_value(shallow_tree)), list(_yield_value(input_tree))
            if len(shallow) != len(deep):
                raise self._lengths(shallow, deep)
            pairs = list(zip(shallow, deep))
        for inner, outer in pairs:
            self.assert_shallow_structure(inner, outer, check_types, expand_composites)

    @staticmethod
    def _lengths(shallow: Any, deep: Any) -> ValueError:
        return ValueError(
            _STRUCTURES_HAVE_MISMATCHING_LENGTHS.format(input_length=len(deep), shallow_length=len(shallow))
        )

    def flatten_with_tuple_paths_up_to(
        self, shallow_tree: Any, input_tree: Any, check_types: bool = True, expand_composites: bool = False
    ) -> list[tuple[tuple[Any, ...], Any]]:
        """(path, value) for each leaf of the shallow tree, the value being what the input tree has there."""
        apart = self._apart(expand_composites)
        self.assert_shallow_structure(shallow_tree, input_tree, check_types, expand_composites)
        found: list[tuple[tuple[Any, ...], Any]] = []

        def walk(shallow: Any, deep: Any, path: tuple[Any, ...]) -> None:
            if not apart(shallow):
                found.append((path, deep))
                return
            inner = dict(_items(deep)) if _is_mapping(deep) else None
            values = None if inner is not None else list(_yield_value(deep))
            for i, (key, value) in enumerate(_items(shallow)):
                walk(value, inner[key] if inner is not None else values[i], (*path, key))  # type: ignore[index]

        walk(shallow_tree, input_tree, ())
        return found

    def flatten_up_to(
        self, shallow_tree: Any, input_tree: Any, check_types: bool = True, expand_composites: bool = False
    ) -> list[Any]:
        """What the input tree has at the leaves of the shallow tree."""
        pairs = self.flatten_with_tuple_paths_up_to(shallow_tree, input_tree, check_types, expand_composites)
        return [value for _, value in pairs]

    def map_structure_up_to(self, shallow_tree: Any, func: Callable, *inputs: Any, **kwargs: Any) -> Any:
        """func of what the inputs have at the leaves of the shallow tree, in that tree."""
        return self.map_structure_with_tuple_paths_up_to(shallow_tree, lambda _, *v: func(*v), *inputs, **kwargs)

    def map_structure_with_tuple_paths_up_to(
        self, shallow_tree: Any, func: Callable, *inputs: Any, **kwargs: Any
    ) -> Any:
        """As map_structure_up_to, func being given the path as well."""
        if not inputs:
            raise ValueError("Cannot map over no sequences")
        check_types = kwargs.pop("check_types", True)
        expand_composites = kwargs.pop("expand_composites", False)
        flat = [self.flatten_with_tuple_paths_up_to(shallow_tree, i, check_types, expand_composites) for i in inputs]
        paths = [path for path, _ in flat[0]]
        values = zip(*[[value for _, value in f] for f in flat])
        results = [func(path, *args, **kwargs) for path, args in zip(paths, values)]
        return self.pack_sequence_as(shallow_tree, results, expand_composites)

    def get_traverse_shallow_structure(
        self, traverse_fn: Callable, structure: Any, expand_composites: bool = False
    ) -> Any:
        """A shallow tree of booleans: how far traverse_fn goes into a structure."""
        apart = self._apart(expand_composites)
        result = traverse_fn(structure)
        if not apart(structure):
            if not isinstance(result, bool):
                raise TypeError(f"traverse_fn returned structure: {result} for non-structure: {structure}")
            return result
        if isinstance(result, bool):
            if not result:
                return False
            return _sequence_like(
                structure,
                [self.get_traverse_shallow_structure(traverse_fn, v, expand_composites) for _, v in _items(structure)],
            )
        if not apart(result):
            raise TypeError(f"traverse_fn returned a non-bool scalar: {result} for input: {structure}")
        self.assert_shallow_structure(result, structure, expand_composites=expand_composites)
        inner = []
        for further, value in zip(_yield_value(result), _yield_value(structure)):
            if not isinstance(further, bool):
                raise TypeError(
                    f"traverse_fn didn't return a depth=1 structure of bools.  saw: {result} for structure: {structure}"
                )
            if further:
                inner.append(self.get_traverse_shallow_structure(traverse_fn, value, expand_composites))
            else:
                inner.append(False)
        return _sequence_like(result, inner)


def _described(value: Any) -> str:
    return f'"type={type(value).__name__} str={value}"'


_NEST = Kinds(is_sequence)
flatten = _NEST.flatten
pack_sequence_as = _NEST.pack_sequence_as
map_structure = _NEST.map_structure
assert_same_structure = _NEST.assert_same_structure
assert_shallow_structure = _NEST.assert_shallow_structure
flatten_with_tuple_paths_up_to = _NEST.flatten_with_tuple_paths_up_to
flatten_up_to = _NEST.flatten_up_to
map_structure_up_to = _NEST.map_structure_up_to
map_structure_with_tuple_paths_up_to = _NEST.map_structure_with_tuple_paths_up_to
get_traverse_shallow_structure = _NEST.get_traverse_shallow_structure


def _yield_flat_up_to(shallow_tree: Any, input_tree: Any, is_seq: Any = None, path: Any = ()) -> Any:
    return iter(flatten_with_tuple_paths_up_to(shallow_tree, input_tree, check_types=False))


def yield_flat_paths(nest: Any, expand_composites: bool = False) -> Iterator[tuple[Any, ...]]:
    """The path of each leaf: the keys, names and positions that lead to it."""
    return (path for path, _ in flatten_with_tuple_paths(nest, expand_composites))


def flatten_with_tuple_paths(structure: Any, expand_composites: bool = False) -> list[tuple[tuple[Any, ...], Any]]:
    return flatten_with_tuple_paths_up_to(structure, structure, expand_composites=expand_composites)


def flatten_with_joined_string_paths(
    structure: Any, separator: str = "/", expand_composites: bool = False
) -> list[tuple[str, Any]]:
    """("a/0", value) for each leaf."""
    pairs = flatten_with_tuple_paths(structure, expand_composites)
    return [(separator.join(str(key) for key in path), value) for path, value in pairs]


def map_structure_with_tuple_paths(func: Callable, *structure: Any, **kwargs: Any) -> Any:
    """As map_structure, func being given the path (a tuple) as well."""
    return map_structure_with_tuple_paths_up_to(structure[0], func, *structure, **kwargs)


def map_structure_with_paths(func: Callable, *structure: Any, **kwargs: Any) -> Any:
    """As map_structure, func being given the path ("a/0") as well."""

    def with_joined_path(path: tuple[Any, ...], *inputs: Any, **options: Any) -> Any:
        return func("/".join(str(key) for key in path), *inputs, **options)

    return map_structure_with_tuple_paths_up_to(structure[0], with_joined_path, *structure, **kwargs)


def flatten_dict_items(dictionary: Any) -> dict[Any, Any]:
    """A dict whose keys and values are structures, with a leaf of each for an item.

    Raises:
      ValueError: where a key and its value are nested differently, or a leaf comes twice.
    """
    if not _is_mapping(dictionary):
        raise TypeError("input must be a dictionary")
    flat: dict[Any, Any] = {}
    for key, value in dictionary.items():
        if not is_sequence(key):
            if key in flat:
                raise ValueError(f"Could not flatten dictionary: key {key} is not unique.")
            flat[key] = value
            continue
        keys, values = flatten(key), flatten(value)
        if len(keys) != len(values):
            raise ValueError(
                f"Could not flatten dictionary. Key had {len(keys)} elements, but value had {len(values)} elements. "
                f"Key: {keys}, value: {values}."
            )
        for k, v in zip(keys, values):
            if k in flat:
                raise ValueError(f"Could not flatten dictionary: key {k} is not unique.")
            flat[k] = v
    return type(dictionary)(flat)
