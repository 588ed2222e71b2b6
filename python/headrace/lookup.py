"""tf.lookup: tables from keys to values, filled once when they are initialised, and ids for unknown words."""

from __future__ import annotations

import functools
from collections import namedtuple
from typing import Any

import numpy as np

from headrace import _ops, arrays, control_flow, dtypes, framework, math, strings
from headrace.framework import GraphKeys, SparseTensor, add_to_collection, convert_to_tensor, name_scope


def _check_table_dtypes(table: Any, key_dtype: Any, value_dtype: Any) -> None:
    if key_dtype.base_dtype != table.key_dtype:
        raise TypeError(f"Invalid key dtype, expected {table.key_dtype!s} but got {key_dtype!s}.")
    if value_dtype.base_dtype != table.value_dtype:
        raise TypeError(f"Invalid value dtype, expected {table.value_dtype!s} but got {value_dtype!s}.")


def _sparse_or_dense(keys: Any, find: Any) -> Any:
    """find(keys), of a sparse tensor's values in its place."""
    if isinstance(keys, SparseTensor):
        return SparseTensor(keys.indices, find(keys.values), keys.dense_shape)
    return find(keys)


class LookupInterface:
    """What all tables have: dtypes of keys and values, `size()` and `lookup(keys)`."""

    def __init__(self, key_dtype: Any, value_dtype: Any) -> None:
        self._key_dtype, self._value_dtype = dtypes.as_dtype(key_dtype), dtypes.as_dtype(value_dtype)

    key_dtype = property(lambda self: self._key_dtype)
    value_dtype = property(lambda self: self._value_dtype)

    @property
    def name(self) -> str | None:
        raise NotImplementedError

    def size(self, name: str | None = None) -> Any:
        raise NotImplementedError

    def lookup(self, keys: Any, name: str | None = None) -> Any:
        raise NotImplementedError

    def _check_keys(self, keys: Any) -> Any:
        if not isinstance(keys, SparseTensor):
            keys = convert_to_tensor(keys)
        if keys.dtype.base_dtype != self._key_dtype:
            raise TypeError(f"Signature mismatch. Keys must be dtype {self._key_dtype!s}, got {keys.dtype!s}.")
        return keys


# ------------------------------------------------------------------------------------------------------ what fills them


class TableInitializerBase:
    """What fills a table: `initialize(table)` adds the operation that does."""

    def __init__(self, key_dtype: Any, value_dtype: Any) -> None:
        self._key_dtype, self._value_dtype = dtypes.as_dtype(key_dtype), dtypes.as_dtype(value_dtype)

    key_dtype = property(lambda self: self._key_dtype)
    value_dtype = property(lambda self: self._value_dtype)
    _shared_name = ""

    def initialize(self, table: Any) -> Any:
        raise NotImplementedError


class KeyValueTensorInitializer(TableInitializerBase):
    """Fills a table with keys and values given as tensors or lists of the same length."""

    def __init__(
        self, keys: Any, values: Any, key_dtype: Any = None, value_dtype: Any = None, name: str | None = None
    ) -> None:
        self._keys = convert_to_tensor(keys, key_dtype, "keys")
        self._values = convert_to_tensor(values, value_dtype, "values")
        self._name = name or "key_value_init"
        super().__init__(self._keys.dtype.base_dtype, self._values.dtype.base_dtype)

    def initialize(self, table: Any) -> Any:
        """The operation that fills the table. Raises TypeError for a table of other dtypes."""
        _check_table_dtypes(table, self._keys.dtype, self._values.dtype)
        with name_scope(self._name, values=(table.resource_handle, self._keys, self._values)):
            op = _ops.lookup_table_import_v2(table.resource_handle, self._keys, self._values)
        add_to_collection(GraphKeys.TABLE_INITIALIZERS, op)
        return op


class TextFileIndex:
    """Where a text file's keys and values come from, beside columns 0, 1, …"""

    WHOLE_LINE = -2
    LINE_NUMBER = -1


class TextFileInitializer(TableInitializerBase):
    """Fills a table from a text file: a line an entry, keys and values being columns, whole lines or line numbers."""

    def __init__(
        self, filename: Any, key_dtype: Any, key_index: int, value_dtype: Any, value_index: int,
        vocab_size: int | None = None, delimiter: str = "\t", name: str | None = None,
    ) -> None:  # fmt: skip
        key_dtype, value_dtype = dtypes.as_dtype(key_dtype), dtypes.as_dtype(value_dtype)
        if not framework.is_tensor(filename) and not filename:
            raise ValueError(f"Filename required for {name}.")
        for index, kind in ((key_index, "key"), (value_index, "value")):
            if index < -2:
                raise ValueError(f"Invalid {kind} index {index}.")
        wanted = {TextFileIndex.LINE_NUMBER: (dtypes.int64,), TextFileIndex.WHOLE_LINE: (dtypes.string,)}
        if key_index == TextFileIndex.WHOLE_LINE:  # keys may also be integers written as a line
            wanted = {**wanted, TextFileIndex.WHOLE_LINE: (dtypes.string, dtypes.int64)}
        for index, dtype, kind in ((key_index, key_dtype, "Keys"), (value_index, value_dtype, "Values")):
            allowed = wanted.get(index) if kind == "Keys" or index != TextFileIndex.WHOLE_LINE else (dtypes.string,)
            if allowed and dtype not in allowed:
                raise ValueError(f"Signature mismatch. {kind} must be dtype {allowed[0]!s}, got {dtype!s}.")
        if vocab_size is not None and vocab_size <= 0:
            raise ValueError(f"Invalid vocab_size {vocab_size}.")
        self._key_index, self._value_index, self._vocab_size = key_index, value_index, vocab_size
        self._delimiter, self._name, self._filename = delimiter, name, filename
        super().__init__(key_dtype, value_dtype)

    def initialize(self, table: Any) -> Any:
        """The operation that fills the table; the file is an asset of exports. Raises TypeError for other dtypes."""
        _check_table_dtypes(table, self.key_dtype, self.value_dtype)
        with name_scope(self._name, "text_file_init", (table.resource_handle,)):
            filename = convert_to_tensor(self._filename, dtypes.string, name="asset_filepath")
            op = _ops.initialize_table_from_text_file_v2(
                table.resource_handle, filename, self._key_index, self._value_index,
                -1 if self._vocab_size is None else self._vocab_size, self._delimiter,
            )  # fmt: skip
        add_to_collection(GraphKeys.TABLE_INITIALIZERS, op)
        if not framework.executing_eagerly() and framework.constant_value(filename) is not None:
            add_to_collection(GraphKeys.ASSET_FILEPATHS, filename)
        return op

    @property
    def _shared_name(self) -> str:
        """Tables of one file share what they read."""
        size = f"_{self._vocab_size}" if self._vocab_size is not None else ""
        filename = self._filename if isinstance(self._filename, str) else getattr(self._filename, "name", "")
        return f"hash_table_{filename}{size}_{self._key_index}_{self._value_index}"


class TextFileStringTableInitializer(TextFileInitializer):
    """From line numbers to lines, unless columns are given."""

    def __init__(
        self, filename: Any, key_column_index: int = TextFileIndex.LINE_NUMBER,
        value_column_index: int = TextFileIndex.WHOLE_LINE, vocab_size: int | None = None, delimiter: str = "\t",
        name: str = "text_file_string_table_init",
    ) -> None:  # fmt: skip
        super().__init__(
            filename, dtypes.int64, key_column_index, dtypes.string, value_column_index, vocab_size, delimiter, name
        )


class TextFileIdTableInitializer(TextFileInitializer):
    """From lines to line numbers, unless columns are given."""

    def __init__(
        self, filename: Any, key_column_index: int = TextFileIndex.WHOLE_LINE,
        value_column_index: int = TextFileIndex.LINE_NUMBER, vocab_size: int | None = None, delimiter: str = "\t",
        name: str = "text_file_id_table_init", key_dtype: Any = dtypes.string,
    ) -> None:  # fmt: skip
        super().__init__(
            filename, key_dtype, key_column_index, dtypes.int64, value_column_index, vocab_size, delimiter, name
        )


# ---------------------------------------------------------------------------------------------------------- the tables


class InitializableLookupTableBase(LookupInterface):
    """A table that an initializer fills."""

    def __init__(self, default_value: Any, initializer: Any) -> None:
        super().__init__(initializer.key_dtype, initializer.value_dtype)
        self._default_value = convert_to_tensor(default_value, self._value_dtype)
        self._default_value.shape.merge_with([])
        self._initializer = initializer
        self._resource_handle = self._create_resource()
        self._init_op = initializer.initialize(self)

    resource_handle = property(lambda self: self._resource_handle)
    default_value = property(lambda self: self._default_value)
    initializer = property(lambda self: self._init_op)
    init = initializer

    def _create_resource(self) -> Any:
        raise NotImplementedError

    def size(self, name: str | None = None) -> Any:
        """The number of entries, an int64 scalar."""
        with name_scope(name, f"{self.name}_Size", [self.resource_handle]):
            return _ops.lookup_table_size_v2(self.resource_handle)

    def lookup(self, keys: Any, name: str | None = None) -> Any:
        """The values of keys, the default value where it has none. Raises TypeError for keys of another dtype."""
        keys = self._check_keys(keys)

        def find(dense: Any) -> Any:
            with name_scope(name, f"{self.name}_Lookup", (self.resource_handle, dense, self._default_value)):
                values = _ops.lookup_table_find_v2(self.resource_handle, dense, self._default_value)
            values.set_shape(dense.shape)
            return values

        return _sparse_or_dense(keys, find)


class StaticHashTable(InitializableLookupTableBase):
    """A table that does not change once it is initialised.

    >>> import tensorflow as tf
    >>> words = tf.lookup.KeyValueTensorInitializer(["a", "b"], [1, 2])
    >>> table = tf.lookup.StaticHashTable(words, default_value=-1)
    >>> with tf.Session() as session:
    ...     session.run(table.initializer)
    ...     session.run(table.lookup(tf.constant(["b", "c"]))).tolist()
    [2, -1]
    """

    def __init__(self, initializer: Any, default_value: Any, name: str | None = None) -> None:
        self._name = name or "hash_table"
        self._shared = initializer._shared_name
        super().__init__(default_value, initializer)

    def _create_resource(self) -> Any:
        handle = _ops.hash_table_v2(
            self._initializer.key_dtype, self._initializer.value_dtype,
            shared_name=self._shared or f"hash_table_{_unique()}", name=self._name,
        )  # fmt: skip
        self._table_name = handle.op.name.rpartition("/")[2]
        return handle

    @property
    def name(self) -> str | None:
        return self._table_name


HashTable = StaticHashTableV1 = StaticHashTable


def _unique() -> str:
    import uuid

    return str(uuid.uuid4())


# ------------------------------------------------------------------------------------------------- ids of unknown words


class HasherSpec(namedtuple("HasherSpec", ["hasher", "key"])):
    """A hash function for words that a table lacks."""

    __slots__ = ()


FastHashSpec = HasherSpec("fasthash", None)


class StrongHashSpec(HasherSpec):
    """A keyed hash function, which strangers can't make collide. Raises unless the key is a pair of integers."""

    __slots__ = ()

    def __new__(cls, key: Any) -> StrongHashSpec:
        if len(key) != 2:
            raise ValueError(f"key must have size 2, got {len(key)}.")
        if not all(isinstance(k, (int, np.integer)) and k >= 0 for k in key):
            raise TypeError(f"Invalid key {key}. Must be unsigned integer values.")
        return super().__new__(cls, "stronghash", key)


def _hash_function(spec: Any) -> Any:
    if spec.hasher == "fasthash":
        return strings.string_to_hash_bucket_fast
    if spec.hasher == "legacy":
        return strings.string_to_hash_bucket
    if spec.hasher == "stronghash":
        return functools.partial(_ops.string_to_hash_bucket_strong, key=spec.key)
    raise ValueError(f"Unknown hasher {spec.hasher}")


def _check_key_dtypes(table: Any, key_dtype: Any) -> Any:
    """The dtype of keys for a table, checked. Raises TypeError."""
    if table is None:
        key_dtype = dtypes.string if key_dtype is None else key_dtype
    else:
        key_dtype = table.key_dtype if key_dtype is None else key_dtype
        supported = (dtypes.int64, dtypes.string)
        if table.key_dtype not in supported:
            raise TypeError(f"Invalid key dtype, expected one of {supported}, but got {key_dtype!s}.")
        if table.key_dtype.is_integer != key_dtype.is_integer:
            kind = "integer" if key_dtype.is_integer else "non-integer"
            raise TypeError(f"Invalid key dtype, expected {kind} but got {table.key_dtype!s}.")
        if table.value_dtype != dtypes.int64:
            raise TypeError(f"Invalid value dtype, expected {dtypes.int64!s} but got {table.value_dtype!s}.")
    if not key_dtype.is_integer and key_dtype != dtypes.string:
        raise TypeError(f"Invalid key_dtype, expected integer or string, got {key_dtype!s}.")
    return key_dtype


class IdTableWithHashBuckets(LookupInterface):
    """Ids of a table's words, and of others a bucket behind those, by hash.

    Args:
      table: from words to int64 ids; None if all words are hashed.
      num_oov_buckets: how many ids the others share.
    """

    def __init__(
        self, table: Any, num_oov_buckets: int, hasher_spec: Any = FastHashSpec, name: str | None = None,
        key_dtype: Any = None,
    ) -> None:  # fmt: skip
        if table is None and num_oov_buckets <= 0:
            raise ValueError("oov_buckets must be > 0 if no table is supplied.")
        key_dtype = _check_key_dtypes(table, key_dtype)
        if not isinstance(hasher_spec, HasherSpec):
            raise TypeError(f"hasher_spec must be of type HasherSpec, got {hasher_spec}")
        self._hasher_spec = hasher_spec
        self._table, self._num_oov_buckets = table, num_oov_buckets
        name = (name or "").rstrip("/") or ("hash_bucket" if table is None else table.name)
        self._table_name = name.rpartition("/")[2]
        super().__init__(key_dtype, dtypes.int64)

    @property
    def initializer(self) -> Any:
        if self._table is not None:
            return self._table.initializer
        with name_scope(None, "init"):
            return control_flow.no_op()

    init = initializer
    name = property(lambda self: self._table_name)  # type: ignore[assignment]
    resource_handle = property(lambda self: None if self._table is None else self._table.resource_handle)

    def size(self, name: str | None = None) -> Any:
        """The number of ids, buckets included."""
        with name_scope(name, f"{self.name}_Size"):
            known = convert_to_tensor(0, dtypes.int64) if self._table is None else self._table.size()
            return known + self._num_oov_buckets

    def lookup(self, keys: Any, name: str | None = None) -> Any:
        keys = self._check_keys(keys)
        return _sparse_or_dense(keys, lambda dense: self._ids(dense, name))

    def _ids(self, values: Any, name: str | None) -> Any:
        if self._table is not None and self._table.key_dtype == dtypes.int64:
            values = math.cast(values, dtypes.int64)
        if self._num_oov_buckets == 0:
            return self._table.lookup(values, name=name)
        with name_scope(name, f"{self.name}_Lookup"):
            text = values if values.dtype == dtypes.string else strings.as_string(values)
            buckets = _hash_function(self._hasher_spec)(text, num_buckets=self._num_oov_buckets, name="hash_bucket")
            if self._table is None:
                return buckets
            ids = self._table.lookup(values)
            known = math.not_equal(ids, self._table.default_value)
            return math.where_v2(known, ids, math.add(buckets, self._table.size()))


class StaticVocabularyTable(IdTableWithHashBuckets):
    """Ids of the words that an initializer gives, and buckets for others."""

    def __init__(
        self, initializer: Any, num_oov_buckets: int, lookup_key_dtype: Any = None, name: str | None = None
    ) -> None:
        if num_oov_buckets <= 0:
            raise ValueError("oov_buckets must be > 0.")
        table = None
        if initializer is not None:
            lookup_key_dtype = initializer.key_dtype if lookup_key_dtype is None else lookup_key_dtype
            table = HashTable(initializer, default_value=-1)
        super().__init__(table, num_oov_buckets, FastHashSpec, name, lookup_key_dtype)


StaticVocabularyTableV1 = StaticVocabularyTable


# ------------------------------------------------------------------------------------------------------ by one function


def _check_vocabulary(key_dtype: Any, num_oov_buckets: int, vocab_size: Any = None, file: Any = None) -> Any:
    key_dtype = dtypes.as_dtype(key_dtype)
    if num_oov_buckets < 0:
        raise ValueError(f"num_oov_buckets must be greater or equal than 0, got {num_oov_buckets}.")
    if vocab_size is not None and vocab_size < 1:
        raise ValueError(f"vocab_size must be greater than 0, got {vocab_size}. vocabulary_file: {file}")
    if not key_dtype.is_integer and key_dtype != dtypes.string:
        raise TypeError("Only integer and string keys are supported.")
    return key_dtype


def index_table_from_file(
    vocabulary_file: Any = None, num_oov_buckets: int = 0, vocab_size: int | None = None, default_value: int = -1,
    hasher_spec: Any = FastHashSpec, key_dtype: Any = dtypes.string, name: str | None = None,
    key_column_index: int = TextFileIndex.WHOLE_LINE, value_column_index: int = TextFileIndex.LINE_NUMBER,
    delimiter: str = "\t",
) -> Any:  # fmt: skip
    """A table from words, a line each of a file, to their line numbers.

    Args:
      num_oov_buckets: ids for other words, by hash; without them these get `default_value`.
    """
    if vocabulary_file is None or (isinstance(vocabulary_file, str) and not vocabulary_file):
        raise ValueError("vocabulary_file must be specified and must not be empty.")
    key_dtype = _check_vocabulary(key_dtype, num_oov_buckets, vocab_size, vocabulary_file)
    with name_scope(name, "string_to_index"):
        with name_scope(None, "hash_table"):
            initializer = TextFileIdTableInitializer(
                vocabulary_file, key_column_index, value_column_index, vocab_size, delimiter, "table_init",
                dtypes.int64 if key_dtype.is_integer else key_dtype,
            )  # fmt: skip
            table = HashTable(initializer, default_value)
        if num_oov_buckets:
            table = IdTableWithHashBuckets(table, num_oov_buckets, hasher_spec, key_dtype=key_dtype)
    return table


def index_table_from_tensor(
    vocabulary_list: Any, num_oov_buckets: int = 0, default_value: int = -1, hasher_spec: Any = FastHashSpec,
    dtype: Any = dtypes.string, name: str | None = None,
) -> Any:  # fmt: skip
    """A table from words, given as a list or vector, to their positions; others as with index_table_from_file."""
    if vocabulary_list is None:
        raise ValueError("vocabulary_list must be specified.")
    dtype = _check_vocabulary(dtype, num_oov_buckets)
    with name_scope(name, "string_to_index"):
        keys = convert_to_tensor(vocabulary_list)
        if keys.dtype.is_integer != dtype.is_integer:
            kind = "integer" if dtype.is_integer else "non-integer"
            raise ValueError(f"Expected {kind}, got {keys.dtype!s}.")
        if not dtype.is_integer and keys.dtype.base_dtype != dtype:
            raise ValueError(f"Expected {dtype!s}, got {keys.dtype!s}.")
        count = arrays.size(keys)
        values = math.cast(math.range(count), dtypes.int64)
        with name_scope(None, "hash_table"):
            keys = math.cast(keys, dtypes.int64) if keys.dtype.is_integer else keys
            table = HashTable(KeyValueTensorInitializer(keys, values, name="table_init"), default_value)
        if num_oov_buckets:
            table = IdTableWithHashBuckets(table, num_oov_buckets, hasher_spec, key_dtype=dtype)
    return table


def index_to_string_table_from_file(
    vocabulary_file: Any, vocab_size: int | None = None, default_value: str = "UNK", name: str | None = None,
    key_column_index: int = TextFileIndex.LINE_NUMBER, value_column_index: int = TextFileIndex.WHOLE_LINE,
    delimiter: str = "\t",
) -> Any:  # fmt: skip
    """A table from line numbers of a file to its lines."""
    if vocabulary_file is None or (isinstance(vocabulary_file, str) and not vocabulary_file):
        raise ValueError("vocabulary_file must be specified and must not be empty.")
    if vocab_size is not None and vocab_size < 1:
        raise ValueError(f"vocab_size must be greater than 0, got {vocab_size}.")
    with name_scope(name, "index_to_string"):
        initializer = TextFileStringTableInitializer(
            vocabulary_file, key_column_index, value_column_index, vocab_size, delimiter, "table_init"
        )
        return HashTable(initializer, default_value)


def index_to_string_table_from_tensor(vocabulary_list: Any, default_value: str = "UNK", name: str | None = None) -> Any:
    """A table from positions to the words of a list or vector."""
    if vocabulary_list is None:
        raise ValueError("vocabulary_list must be specified.")
    with name_scope(name, "index_to_string"):
        words = convert_to_tensor(vocabulary_list, dtypes.string)
        keys = math.cast(math.range(arrays.size(words)), dtypes.int64)
        return HashTable(KeyValueTensorInitializer(keys, words, name="table_init"), default_value)
