"""tf.feature_column: descriptions of how features become a model's inputs. What they build is C++."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from headrace import _core, dtypes
from headrace.framework import Tensor


class FeatureColumn:
    """One column; its arguments are attributes of the names they have in 1.15."""

    def __init__(self, kind: str, native: Any, **attributes: Any) -> None:
        self._kind, self._native, self._attributes = kind, native, attributes

    @property
    def name(self) -> str:
        return self._native.name

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        return _core.parse_example_spec([self])

    _parse_example_spec = parse_example_spec

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["_attributes"][name]
        except KeyError:
            raise AttributeError(f"{self.__dict__.get('_kind', 'column')} has no attribute {name!r}") from None

    def __repr__(self) -> str:
        arguments = ", ".join(f"{key}={value!r}" for key, value in self._attributes.items())
        return f"{self._kind}({arguments})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FeatureColumn) and (self._kind, self._attributes) == (other._kind, other._attributes)

    def __hash__(self) -> int:
        return hash((self._kind, repr(self._attributes)))

    def __lt__(self, other: FeatureColumn) -> bool:
        return str(self) < str(other)


def numeric_column(
    key: str, shape: Any = (1,), default_value: Any = None, dtype: Any = dtypes.float32, normalizer_fn: Any = None
) -> FeatureColumn:
    """A feature that is numbers: `shape` of them a record. `normalizer_fn` changes the tensor before it is used.

    Raises:
      ValueError: for a dtype that is no number. TypeError: for a normalizer_fn that is no function.
    """
    shape = tuple(shape) if isinstance(shape, (list, tuple)) else (shape,)
    dtype = dtypes.as_dtype(dtype)
    if not (dtype.is_integer or dtype.is_floating):
        raise ValueError(f"dtype must be convertible to float. dtype: {dtype}, key: {key}")
    if normalizer_fn is not None and not callable(normalizer_fn):
        raise TypeError(f"normalizer_fn must be a callable. Given: {normalizer_fn}")
    native = _core.numeric_column(key, list(shape), default_value, dtype, normalizer_fn)
    return FeatureColumn(
        "NumericColumn", native, key=key, shape=shape, default_value=default_value, dtype=dtype,
        normalizer_fn=normalizer_fn,
    )  # fmt: skip


def bucketized_column(source_column: FeatureColumn, boundaries: Sequence[float]) -> FeatureColumn:
    """The interval that a number falls into: len(boundaries) + 1 buckets."""
    if source_column._kind != "NumericColumn":
        raise ValueError(f"source_column must be a column generated with numeric_column(). Given: {source_column}")
    if list(boundaries) != sorted(boundaries) or not len(boundaries):
        raise ValueError("boundaries must be a sorted list.")
    native = _core.bucketized_column(source_column, [float(b) for b in boundaries])
    return FeatureColumn("BucketizedColumn", native, source_column=source_column, boundaries=tuple(boundaries))


def categorical_column_with_identity(key: str, num_buckets: int, default_value: int | None = None) -> FeatureColumn:
    """A feature that is a number of a category already, below `num_buckets`."""
    native = _core.identity_column(key, num_buckets, default_value)
    return FeatureColumn(
        "IdentityCategoricalColumn", native, key=key, number_buckets=num_buckets, default_value=default_value
    )


def categorical_column_with_hash_bucket(key: str, hash_bucket_size: int, dtype: Any = dtypes.string) -> FeatureColumn:
    """A feature whose values are hashed into buckets."""
    native = _core.hash_bucket_column(key, hash_bucket_size, dtypes.as_dtype(dtype))
    return FeatureColumn("HashedCategoricalColumn", native, key=key, hash_bucket_size=hash_bucket_size, dtype=dtype)


def categorical_column_with_vocabulary_list(
    key: str, vocabulary_list: Sequence[Any], dtype: Any = None, default_value: int = -1, num_oov_buckets: int = 0
) -> FeatureColumn:
    """A feature whose values are in a list; others become `default_value` or fall into `num_oov_buckets`."""
    values = list(vocabulary_list)
    if dtype is None:
        dtype = dtypes.string if isinstance(values[0], (str, bytes)) else dtypes.int64
    native = _core.vocabulary_list_column(key, values, dtypes.as_dtype(dtype), default_value, num_oov_buckets)
    return FeatureColumn(
        "VocabularyListCategoricalColumn", native, key=key, vocabulary_list=tuple(values), dtype=dtype,
        default_value=default_value, num_oov_buckets=num_oov_buckets,
    )  # fmt: skip


def categorical_column_with_vocabulary_file(
    key: str, vocabulary_file: str, vocabulary_size: int | None = None, num_oov_buckets: int = 0,
    default_value: int | None = None, dtype: Any = dtypes.string,
) -> FeatureColumn:  # fmt: skip
    """As categorical_column_with_vocabulary_list, with the lines of a file."""
    from headrace import gfile

    with gfile.GFile(vocabulary_file) as file:
        values = [line.rstrip("\n") for line in file]
    values = values[:vocabulary_size]
    if dtype != dtypes.string:
        values = [int(value) for value in values]
    return categorical_column_with_vocabulary_list(
        key, values, dtype, -1 if default_value is None else default_value, num_oov_buckets
    )


def crossed_column(keys: Sequence[Any], hash_bucket_size: int, hash_key: int | None = None) -> FeatureColumn:
    """Combinations of the values of several features or categorical columns, hashed into buckets."""
    if not hash_bucket_size or hash_bucket_size < 1:
        raise ValueError(f"hash_bucket_size must be > 1. hash_bucket_size: {hash_bucket_size}")
    if len(keys) < 2:
        raise ValueError(f"keys must be a list with length > 1. Given: {keys}")
    native = _core.crossed_column(list(keys), hash_bucket_size, hash_key)
    return FeatureColumn(
        "CrossedColumn", native, keys=tuple(keys), hash_bucket_size=hash_bucket_size, hash_key=hash_key
    )


def indicator_column(categorical_column: FeatureColumn) -> FeatureColumn:
    """How often each category occurs in a record, as numbers."""
    native = _core.indicator_column(categorical_column)
    return FeatureColumn("IndicatorColumn", native, categorical_column=categorical_column)


def embedding_column(
    categorical_column: FeatureColumn, dimension: int, combiner: str = "mean", initializer: Any = None,
    ckpt_to_load_from: str | None = None, tensor_name_in_ckpt: str | None = None, max_norm: float | None = None,
    trainable: bool = True, use_safe_embedding_lookup: bool = True,
) -> FeatureColumn:  # fmt: skip
    """A vector of `dimension` learned numbers for each category; several of a record are combined."""
    if ckpt_to_load_from or tensor_name_in_ckpt or max_norm is not None:
        raise NotImplementedError("embedding_column takes no checkpoint and no max_norm yet")
    if dimension is None or dimension < 1:
        raise ValueError(f"Invalid dimension {dimension}.")
    if initializer is not None and not callable(initializer):
        raise ValueError(
            f"initializer must be callable if specified. Embedding of column_name: {categorical_column.name}"
        )
    native = _core.embedding_column(categorical_column, dimension, combiner, initializer, trainable)
    return FeatureColumn(
        "EmbeddingColumn", native, categorical_column=categorical_column, dimension=dimension, combiner=combiner,
        initializer=initializer, trainable=trainable,
    )  # fmt: skip


def input_layer(
    features: Any, feature_columns: Any, weight_collections: Any = None, trainable: bool = True,
    cols_to_vars: Any = None, cols_to_output_tensors: Any = None,
) -> Tensor:  # fmt: skip
    """The columns' values side by side: float32 [batch, sum of their sizes], in the order of their names."""
    return _core.input_layer(dict(features), feature_columns, trainable)


def linear_model(
    features: Any, feature_columns: Any, units: int = 1, sparse_combiner: str = "sum", weight_collections: Any = None,
    trainable: bool = True, cols_to_vars: Any = None,
) -> Tensor:  # fmt: skip
    """A weighted sum of the columns' values plus a bias: float32 [batch, units]."""
    return _core.linear_model(dict(features), feature_columns, units, sparse_combiner, trainable)


def make_parse_example_spec(feature_columns: Any) -> dict[str, Any]:
    """How to read these columns' features from tf.train.Example: for tf.parse_example."""
    return _core.parse_example_spec(list(feature_columns))
