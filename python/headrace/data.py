"""tf.data: datasets and iterators over the C++ pipeline.

Elements are tensors, dicts of tensors by name, and tuples of these.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from headrace import _core, data_structure, dtypes
from headrace.eager_datasets import EagerIterator, build_in_graph
from headrace.framework import Tensor, convert_to_tensor, executing_eagerly
from headrace.shapes import TensorShape
from headrace.type_specs import TensorSpec

AUTOTUNE = -1


class Dataset:
    """A sequence of elements. Make one by from_tensor_slices, TextLineDataset, …; transform it; iterate over it.

    >>> import tensorflow as tf
    >>> numbers = tf.data.Dataset.range(5).map(lambda x: x * 2).batch(3)
    >>> following = numbers.make_one_shot_iterator().get_next()
    >>> with tf.Session() as session:
    ...     session.run(following)
    array([0, 2, 4])
    """

    def __init__(self, native: Any, template: Any = None) -> None:
        """`template` is the structure of an element where C++ has it in another form (see _element); None: the same."""
        self._native = native
        self._template = template
        self._options: Any = None

    def _with(self, native: Any) -> Dataset:
        """Another dataset whose elements have the same structure."""
        return Dataset(native, self._template)

    def _taking(self, function: Callable) -> Callable:
        """A function of an element in C++'s form, from one of the program's form: tuples are its arguments."""
        if self._template is None:
            return function

        def call(*element: Any) -> Any:
            packed = _packed(self._template, element)
            return function(*packed) if type(packed) is tuple else function(packed)

        return call

    def _packed(self, element: Any) -> Any:
        """What C++ gave, in the structure that elements have."""
        return _packed(self._template, element)

    # --- sources ---

    @staticmethod
    def from_tensors(tensors: Any) -> Dataset:
        """One element."""
        element, template = _element(tensors)
        return Dataset(_core.tensor_dataset(element), template)

    @staticmethod
    def from_tensor_slices(tensors: Any) -> Dataset:
        """One element a row: axis 0 of all tensors, which must agree there."""
        element, template = _element(tensors)
        return Dataset(_core.tensor_slice_dataset(element), template)

    @staticmethod
    def range(*args: int) -> Dataset:
        start, stop, step = {1: (0, *args, 1), 2: (*args, 1), 3: args}[len(args)]  # type: ignore[misc]
        return Dataset(_core.range_dataset(start, stop, step))

    @staticmethod
    def zip(datasets: Any) -> Dataset:
        flat = data_structure.flatten(datasets)
        for dataset in flat:
            if not isinstance(dataset, Dataset):
                raise TypeError(
                    f"The argument to `Dataset.zip()` must be a nested structure of `Dataset` objects, got {dataset!r}."
                )
        native = _core.zip_datasets([dataset._native for dataset in flat])
        if type(datasets) is tuple and all(isinstance(d, Dataset) and d._template is None for d in datasets):
            return Dataset(native)
        parts = [d._native.output_types if d._template is None else d._template for d in flat]
        return Dataset(native, data_structure.pack_sequence_as(datasets, parts))

    @staticmethod
    def list_files(file_pattern: Any, shuffle: bool | None = None, seed: int | None = None) -> Dataset:
        """The files that match, shuffled unless shuffle=False.

        Raises:
          InvalidArgumentError: if none does.
        """
        from headrace import errors, gfile

        patterns = file_pattern if isinstance(file_pattern, (list, tuple)) else [file_pattern]
        files = [path for pattern in patterns for path in gfile.glob(pattern)]
        if not files:
            raise errors.InvalidArgumentError(None, None, f"No files matched pattern: {file_pattern}")
        dataset = Dataset.from_tensor_slices(convert_to_tensor(files, dtypes.string))
        return dataset if shuffle is False else dataset.shuffle(len(files), seed)

    @staticmethod
    def from_generator(generator: Any, output_types: Any, output_shapes: Any = None, args: Any = None) -> Dataset:
        raise NotImplementedError(
            "Dataset.from_generator is not available yet; use from_tensor_slices or tf.estimator.inputs.numpy_input_fn"
        )

    # --- transforms ---

    def map(self, map_func: Callable, num_parallel_calls: Any = None, deterministic: Any = None) -> Dataset:
        """Each element as map_func makes it; the function is called once, to build its part of the graph."""
        function, templates = self._taking(map_func), []

        def mapped(*element: Any) -> Any:
            result = function(*element)
            # A list is what ops give that have a list of outputs: so many components, of any types.
            made, template = _element(tuple(result) if isinstance(result, list) else result)
            templates.append(template)
            return made

        return Dataset(self._native.map(mapped), *templates)

    def filter(self, predicate: Callable) -> Dataset:
        """The elements for which predicate gives True."""
        return self._with(self._native.filter(self._taking(predicate)))

    def flat_map(self, map_func: Callable) -> Dataset:
        """The elements of the datasets that map_func makes, one dataset after the other."""
        return self._interleaved(map_func, None, None)

    def _interleaved(self, map_func: Callable, cycle_length: int | None, block_length: int | None) -> Dataset:
        function, templates = self._taking(map_func), []

        def dataset_of(*element: Any) -> Dataset:
            inner = function(*element)
            if not isinstance(inner, Dataset):
                raise TypeError(f"`map_func` must return a `Dataset` object, got {type(inner).__name__}.")
            templates.append(inner._template)
            return inner

        return Dataset(self._native.interleave(dataset_of, cycle_length, block_length), *templates)

    def interleave(
        self, map_func: Callable, cycle_length: int = 1, block_length: int = 1, num_parallel_calls: Any = None,
        **_: Any,
    ) -> Dataset:  # fmt: skip
        """As flat_map, block_length elements at a time from cycle_length datasets in turn."""
        return self._interleaved(map_func, cycle_length, block_length)

    def shuffle(
        self, buffer_size: int, seed: int | None = None, reshuffle_each_iteration: bool | None = None
    ) -> Dataset:
        """Draws elements at random from a buffer of the next `buffer_size`."""
        return self._with(self._native.shuffle(buffer_size, seed, reshuffle_each_iteration is not False))

    def repeat(self, count: int | None = None) -> Dataset:
        """The sequence `count` times; for ever if None or -1."""
        return self._with(self._native.repeat(-1 if count is None else count))

    def batch(self, batch_size: int, drop_remainder: bool = False, **_: Any) -> Dataset:
        """Elements joined along a new axis 0; the last batch may be shorter unless drop_remainder."""
        return self._with(self._native.batch(batch_size, bool(drop_remainder)))

    def padded_batch(
        self, batch_size: int, padded_shapes: Any, padding_values: Any = None, drop_remainder: bool = False
    ) -> Dataset:
        """As batch, each element padded to padded_shapes first; unknown sizes become the longest of the batch."""
        shapes = _flat(padded_shapes)
        types = _flat(self._native.output_types)
        defaults = ["" if t == dtypes.string else 0 for t in types]
        values = defaults if padding_values is None else _flat(padding_values)
        return self._with(self._native.padded_batch(batch_size, shapes, values, bool(drop_remainder)))

    def take(self, count: int) -> Dataset:
        return self._with(self._native.take(count))

    def skip(self, count: int) -> Dataset:
        return self._with(self._native.skip(count))

    def shard(self, num_shards: int, index: int) -> Dataset:
        return self._with(self._native.shard(num_shards, index))

    def concatenate(self, dataset: Dataset) -> Dataset:
        return self._with(self._native.concatenate(dataset._native))

    def prefetch(self, buffer_size: int | None = None) -> Dataset:
        return self._with(self._native.prefetch(-1 if buffer_size is None else buffer_size))

    def cache(self, filename: str = "") -> Dataset:
        if filename:
            raise NotImplementedError("caching in a file is not available yet; cache() keeps elements in memory")
        return self._with(self._native.cache())

    def apply(self, transformation_func: Callable) -> Dataset:
        return transformation_func(self)

    def with_options(self, options: Any) -> Dataset:
        """The same elements, with options; of an option that is set already, both values must be equal."""
        from headrace.data_options import merge_options

        made = self._with(self._native)
        made._options = merge_options(self.options(), options)
        return made

    def options(self) -> Any:
        """The options set on this dataset, a tf.data.Options."""
        from headrace.data_options import Options

        return Options() if self._options is None else self._options

    def enumerate(self, start: int = 0) -> Dataset:
        """(number, element) pairs, the numbers counting from `start`."""
        return Dataset.zip((Dataset.range(start, np.iinfo(np.int64).max), self))

    def unbatch(self) -> Dataset:
        """The rows of each element, one by one."""
        return self.flat_map(lambda *parts: Dataset.from_tensor_slices(parts if len(parts) > 1 else parts[0]))

    map_with_legacy_function = property(lambda self: self.map)
    filter_with_legacy_function = property(lambda self: self.filter)

    # --- elements ---

    def make_one_shot_iterator(self) -> Iterator:
        """An iterator that needs no initialisation."""
        if executing_eagerly():
            return EagerIterator(self)
        return Iterator(self._native.one_shot_iterator(), self._template)

    def make_initializable_iterator(self, shared_name: str | None = None) -> Iterator:
        """An iterator whose `initializer` must be run before the first element is taken."""
        if executing_eagerly():
            raise RuntimeError(
                "dataset.make_initializable_iterator is not supported when eager execution is enabled. Use `for "
                "element in dataset` instead."
            )
        return Iterator(self._native.initializable_iterator(shared_name or ""), self._template)

    output_types = property(lambda self: _packed(self._template, self._native.output_types))
    output_shapes = property(lambda self: _packed(self._template, self._native.output_shapes))
    output_classes = property(lambda self: data_structure.map_structure(lambda _: Tensor, self.output_types))
    element_spec = property(
        lambda self: data_structure.map_structure(lambda t, s: TensorSpec(s, t), self.output_types, self.output_shapes)
    )

    def __iter__(self) -> Any:
        if executing_eagerly():
            return EagerIterator(self)
        raise RuntimeError(
            "__iter__() is only supported inside of tf.function or when eager execution is enabled: use "
            "make_one_shot_iterator().get_next()"
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} shapes: {self.output_shapes}, types: {self.output_types}>"


class TextLineDataset(Dataset):
    """The lines of text files, without their ends. `compression_type` is "", "GZIP" or "ZLIB"."""

    def __init__(
        self, filenames: Any, compression_type: str | None = None, buffer_size: Any = None,
        num_parallel_reads: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(_core.text_line_dataset(_files(filenames), compression_type or ""))


class TFRecordDataset(Dataset):
    """The records of TFRecord files, as strings."""

    def __init__(
        self, filenames: Any, compression_type: str | None = None, buffer_size: Any = None,
        num_parallel_reads: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(_core.record_dataset(_files(filenames), compression_type or ""))


build_in_graph(Dataset, "make_one_shot_iterator", "make_initializable_iterator", "apply")
for _class in (TextLineDataset, TFRecordDataset):
    build_in_graph(_class)


def _files(filenames: Any) -> Tensor:
    if isinstance(filenames, Dataset):
        raise NotImplementedError(
            "a dataset of file names is not available here yet; use files.flat_map(TextLineDataset)"
        )
    if isinstance(filenames, (list, tuple)) and not filenames:
        return convert_to_tensor([], dtypes.string, "filenames")
    return convert_to_tensor(filenames, dtypes.string, "filenames")


def _element(value: Any) -> tuple[Any, Any]:
    """An element as C++ takes it, and its template.

    C++ knows tensors, dicts of tensors and tuples of these. Other mappings and named tuples go as such and come back as
    what the template has; what is nested in another way goes as a flat tuple. The template is None if nothing differs.
    """
    template = data_structure.map_structure(lambda _: None, value)
    tensors = [convert_to_tensor(leaf) for leaf in data_structure.flatten(value)]
    value = data_structure.pack_sequence_as(template, tensors)
    form = _form(value)
    if form is None:
        return tuple(tensors), template
    return form, None if _is_plain(value) else template


def _form(value: Any) -> Any:
    """`value` in tuples and dicts of tensors; None if it is nested in another way."""
    if isinstance(value, tuple):
        parts = [_form(part) for part in value]
        return None if any(part is None for part in parts) else tuple(parts)
    if not data_structure.is_sequence(value):
        return value
    if not isinstance(value, Mapping):
        return None
    flat = all(isinstance(key, str) and isinstance(part, Tensor) for key, part in value.items())
    return dict(value) if flat else None


def _is_plain(value: Any) -> bool:
    if type(value) is tuple:
        return all(_is_plain(part) for part in value)
    return isinstance(value, Tensor) or type(value) is dict


def _packed(template: Any, value: Any) -> Any:
    """What C++ gave, in the form of the template."""
    return value if template is None else data_structure.pack_sequence_as(template, data_structure.flatten(value))


def _flat(structure: Any) -> list[Any]:
    if isinstance(structure, tuple) and not isinstance(structure, TensorShape):
        return [item for part in structure for item in _flat(part)]
    if isinstance(structure, dict):
        return [item for key in sorted(structure) for item in _flat(structure[key])]
    return [structure]


class Iterator:
    """Goes through a dataset: each run of `get_next()` takes the next element; at the end it fails, OutOfRangeError."""

    def __init__(self, native: Any, template: Any = None) -> None:
        self._native, self._template = native, template

    @property
    def initializer(self) -> Any:
        if self._native.initializer is None:
            raise ValueError("Iterator does not have an initializer.")
        return self._native.initializer

    def get_next(self, name: str | None = None) -> Any:
        """The tensors of the next element, in the dataset's structure."""
        return _packed(self._template, self._native.get_next(name or ""))

    output_types = property(lambda self: _packed(self._template, self._native.output_types))
    output_shapes = property(lambda self: _packed(self._template, self._native.output_shapes))
    output_classes = property(lambda self: data_structure.map_structure(lambda _: Tensor, self.output_types))


def make_one_shot_iterator(dataset: Dataset) -> Iterator:
    return dataset.make_one_shot_iterator()


def make_initializable_iterator(dataset: Dataset, shared_name: str | None = None) -> Iterator:
    return dataset.make_initializable_iterator(shared_name)


def get_output_types(dataset_or_iterator: Any) -> Any:
    return dataset_or_iterator.output_types


def get_output_shapes(dataset_or_iterator: Any) -> Any:
    return dataset_or_iterator.output_shapes


def get_output_classes(dataset_or_iterator: Any) -> Any:
    return dataset_or_iterator.output_classes


# ------------------------------------------------------------------------------------------------ tf.data.experimental


def shuffle_and_repeat(buffer_size: int, count: int | None = None, seed: int | None = None) -> Callable:
    return lambda dataset: dataset.shuffle(buffer_size, seed).repeat(count)


def map_and_batch(
    map_func: Callable, batch_size: int, num_parallel_batches: Any = None, drop_remainder: bool = False,
    num_parallel_calls: Any = None,
) -> Callable:  # fmt: skip
    return lambda dataset: dataset.map(map_func).batch(batch_size, drop_remainder)


def parallel_interleave(map_func: Callable, cycle_length: int, block_length: int = 1, **_: Any) -> Callable:
    return lambda dataset: dataset.interleave(map_func, cycle_length, block_length)


# ---------------------------------------------------------------------------------------------------------------- CSV


def decode_csv(
    records: Any, record_defaults: Any, field_delim: str = ",", use_quote_delim: bool = True, name: str | None = None,
    na_value: str = "", select_cols: Any = None,
) -> list[Tensor]:  # fmt: skip
    """The columns of CSV records, one tensor each, of the records' shape.

    Args:
      record_defaults: one for each column: a value in a list, or a type if the field must be there.
    """
    from headrace import _ops

    defaults = [_column_default(d) for d in record_defaults]
    return _ops.decode_csv(
        records, defaults, field_delim=field_delim, use_quote_delim=use_quote_delim, na_value=na_value,
        select_cols=[] if select_cols is None else list(select_cols), name=name,
    )  # fmt: skip


def _column_default(default: Any) -> Any:
    if isinstance(default, dtypes.DType):
        import numpy as np

        empty = np.zeros([0], object if default == dtypes.string else default.as_numpy_dtype)
        return convert_to_tensor(empty, default)
    return default if isinstance(default, Tensor) else convert_to_tensor(default)
