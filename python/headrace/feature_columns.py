"""tf.feature_column: descriptions of how features become a model's inputs. What they build is C++."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

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


def _checked_key(key: Any) -> str:
    if not isinstance(key, str):
        raise ValueError(f"key must be a string. Got: type {type(key)}. Given key: {key}.")
    return key


def _checked_shape(shape: Any, key: str) -> tuple[int, ...]:
    try:
        sizes = tuple(shape)
    except TypeError:
        sizes = (shape,)
    for size in sizes:
        if not isinstance(size, (int, np.integer)) or isinstance(size, bool):
            raise TypeError(f"shape dimensions must be integer. shape: {sizes}, key: {key}")
        if size < 1:
            raise ValueError(f"shape dimensions must be greater than 0. shape: {sizes}, key: {key}")
    return tuple(int(size) for size in sizes)


def _checked_default(default_value: Any, shape: tuple[int, ...], dtype: Any, key: str) -> Any:
    """The default value of a record: nested tuples of `shape`, which a scalar fills; None stays."""
    if default_value is None:
        return None
    value = np.asarray(default_value)
    if value.dtype.kind not in "iuf" or (value.dtype.kind == "f" and not dtype.is_floating):
        raise TypeError(
            f"default_value must be compatible with dtype. default_value: {default_value}, dtype: {dtype}, key: {key}"
        )
    if value.ndim == 0:
        value = np.full(shape, value)
    if value.shape != shape:
        raise ValueError(
            f"The shape of default_value must be equal to given shape. default_value: {default_value}, "
            f"shape: {shape}, key: {key}"
        )
    return _as_tuples(value.astype(dtype.as_numpy_dtype).tolist())


def _as_tuples(value: Any) -> Any:
    return tuple(_as_tuples(item) for item in value) if isinstance(value, list) else value


def numeric_column(
    key: str, shape: Any = (1,), default_value: Any = None, dtype: Any = dtypes.float32, normalizer_fn: Any = None
) -> FeatureColumn:
    """A feature that is numbers: `shape` of them a record. `normalizer_fn` changes the tensor before it is used.

    Raises:
      ValueError: for a dtype that is no number, or a default value of another shape. TypeError: for a normalizer_fn
        that is no function, and for a default value that is no number of this dtype.
    """
    shape = _checked_shape(shape, key)
    dtype = dtypes.as_dtype(dtype)
    if not (dtype.is_integer or dtype.is_floating):
        raise ValueError(f"dtype must be convertible to float. dtype: {dtype}, key: {key}")
    default_value = _checked_default(default_value, shape, dtype, key)
    if normalizer_fn is not None and not callable(normalizer_fn):
        raise TypeError(f"normalizer_fn must be a callable. Given: {normalizer_fn}")
    native = _core.numeric_column(_checked_key(key), list(shape), default_value, dtype, normalizer_fn)
    return FeatureColumn(
        "NumericColumn", native, key=key, shape=shape, default_value=default_value, dtype=dtype,
        normalizer_fn=normalizer_fn,
    )  # fmt: skip


def bucketized_column(source_column: FeatureColumn, boundaries: Sequence[float]) -> FeatureColumn:
    """The interval that a number falls into: len(boundaries) + 1 buckets."""
    if getattr(source_column, "_kind", None) != "NumericColumn":
        raise ValueError(f"source_column must be a column generated with numeric_column(). Given: {source_column}")
    if not isinstance(boundaries, (list, tuple)):
        raise ValueError("boundaries must be a sorted list.")
    if not boundaries:
        raise ValueError("boundaries must not be empty.")
    native = _core.bucketized_column(source_column, [float(b) for b in boundaries])
    return FeatureColumn("BucketizedColumn", native, source_column=source_column, boundaries=tuple(boundaries))


def categorical_column_with_identity(key: str, num_buckets: int, default_value: int | None = None) -> FeatureColumn:
    """A feature that is a number of a category already, below `num_buckets`."""
    if num_buckets < 1:
        raise ValueError(f"num_buckets {num_buckets} < 1, column_name {key}")
    native = _core.identity_column(_checked_key(key), int(num_buckets), default_value)
    return FeatureColumn(
        "IdentityCategoricalColumn", native, key=key, number_buckets=num_buckets, default_value=default_value
    )


def categorical_column_with_hash_bucket(key: str, hash_bucket_size: int, dtype: Any = dtypes.string) -> FeatureColumn:
    """A feature whose values are hashed into buckets."""
    if hash_bucket_size is None:
        raise ValueError(f"hash_bucket_size must be set. key: {key}")
    if hash_bucket_size < 1:
        raise ValueError(f"hash_bucket_size must be at least 1. hash_bucket_size: {hash_bucket_size}, key: {key}")
    dtype = dtypes.as_dtype(dtype)
    native = _core.hash_bucket_column(_checked_key(key), int(hash_bucket_size), dtype)
    return FeatureColumn("HashedCategoricalColumn", native, key=key, hash_bucket_size=hash_bucket_size, dtype=dtype)


def categorical_column_with_vocabulary_list(
    key: str, vocabulary_list: Sequence[Any], dtype: Any = None, default_value: int = -1, num_oov_buckets: int = 0
) -> FeatureColumn:
    """A feature whose values are in a list; others become `default_value` or fall into `num_oov_buckets`.

    Raises:
      ValueError: for an empty list, a value that is there twice, and values of another kind than `dtype`.
    """
    values = [] if vocabulary_list is None else list(vocabulary_list)
    if not values:
        raise ValueError(f"vocabulary_list {vocabulary_list} must be non-empty, column_name: {key}")
    found = dtypes.as_dtype(np.array(values).dtype)
    if found != dtypes.string and not found.is_integer:
        raise ValueError(f"column_name: {key} vocabulary dtype must be string or integer. dtype: {found}.")
    dtype = found if dtype is None else dtypes.as_dtype(dtype)
    if dtype.is_integer != found.is_integer:
        raise ValueError(f"dtype {dtype} and vocabulary dtype {found} do not match, column_name: {key}")
    native = _core.vocabulary_list_column(_checked_key(key), values, dtype, default_value, num_oov_buckets or 0)
    return FeatureColumn(
        "VocabularyListCategoricalColumn", native, key=key, vocabulary_list=tuple(values), dtype=dtype,
        default_value=default_value, num_oov_buckets=num_oov_buckets,
    )  # fmt: skip


def categorical_column_with_vocabulary_file(
    key: str, vocabulary_file: str, vocabulary_size: int | None = None, num_oov_buckets: int = 0,
    default_value: int | None = None, dtype: Any = dtypes.string,
) -> FeatureColumn:  # fmt: skip
    """As categorical_column_with_vocabulary_list, with the first `vocabulary_size` (or all) lines of a file.

    Raises:
      ValueError: if the lines are to be counted and there is no file. When tables are initialised,
        InvalidArgumentError for an empty line or for fewer lines than `vocabulary_size`.
    """
    dtype = dtypes.as_dtype(dtype)
    if not vocabulary_file:
        raise ValueError(f"Missing vocabulary_file in {key}.")
    if num_oov_buckets and default_value is not None:
        raise ValueError(f"Can't specify both num_oov_buckets and default_value in {key}.")
    native = _core.vocabulary_file_column(
        _checked_key(key), os.fspath(vocabulary_file), vocabulary_size, default_value, num_oov_buckets or 0, dtype
    )
    return FeatureColumn(
        "VocabularyFileCategoricalColumn", native, key=key, vocabulary_file=vocabulary_file,
        vocabulary_size=vocabulary_size, num_oov_buckets=num_oov_buckets,
        default_value=-1 if default_value is None else default_value, dtype=dtype,
    )  # fmt: skip


def crossed_column(keys: Sequence[Any], hash_bucket_size: int, hash_key: int | None = None) -> FeatureColumn:
    """Combinations of the values of several features or categorical columns, hashed into buckets."""
    if not hash_bucket_size or hash_bucket_size < 1:
        raise ValueError(f"hash_bucket_size must be > 1. hash_bucket_size: {hash_bucket_size}")
    if not keys or len(keys) < 2:
        raise ValueError(f"keys must be a list with length > 1. Given: {keys}")
    for key in keys:
        if not isinstance(key, (str, FeatureColumn)) or getattr(key, "_kind", "") in _DENSE_ONLY:
            raise ValueError(
                f"Unsupported key type. All keys must be either string, or categorical column except "
                f"HashedCategoricalColumn. Given: {key}"
            )
    native = _core.crossed_column(list(keys), int(hash_bucket_size), hash_key)
    return FeatureColumn(
        "CrossedColumn", native, keys=tuple(keys), hash_bucket_size=hash_bucket_size, hash_key=hash_key
    )


_DENSE_ONLY = ("NumericColumn", "IndicatorColumn", "EmbeddingColumn")


def indicator_column(categorical_column: FeatureColumn) -> FeatureColumn:
    """How often each category occurs in a record, as numbers."""
    native = _core.indicator_column(_checked_column(categorical_column))
    return FeatureColumn("IndicatorColumn", native, categorical_column=categorical_column)


def _checked_column(column: Any) -> FeatureColumn:
    if not isinstance(column, FeatureColumn):
        raise ValueError(f"categorical_column must be a categorical column, got {type(column)}: {column!r}")
    return column


def embedding_column(
    categorical_column: FeatureColumn, dimension: int, combiner: str = "mean", initializer: Any = None,
    ckpt_to_load_from: str | None = None, tensor_name_in_ckpt: str | None = None, max_norm: float | None = None,
    trainable: bool = True, use_safe_embedding_lookup: bool = True,
) -> FeatureColumn:  # fmt: skip
    """A vector of `dimension` learned numbers for each category; several of a record are combined."""
    if dimension is None or dimension < 1:
        raise ValueError(f"Invalid dimension {dimension}.")
    if (ckpt_to_load_from is None) != (tensor_name_in_ckpt is None):
        raise ValueError("Must specify both `ckpt_to_load_from` and `tensor_name_in_ckpt` or none of them.")
    if ckpt_to_load_from or max_norm is not None:
        raise NotImplementedError("embedding_column takes no checkpoint and no max_norm yet")
    if initializer is not None and not callable(initializer):
        raise ValueError(
            f"initializer must be callable if specified. Embedding of column_name: {categorical_column.name}"
        )
    native = _core.embedding_column(
        _checked_column(categorical_column), int(dimension), combiner, initializer, trainable
    )
    return FeatureColumn(
        "EmbeddingColumn", native, categorical_column=categorical_column, dimension=dimension, combiner=combiner,
        initializer=initializer, trainable=trainable,
    )  # fmt: skip


def _checked_features(features: Any) -> dict[str, Any]:
    if not isinstance(features, Mapping):
        raise ValueError(f"We expected a dictionary here. Instead we got: {features}")
    return dict(features)


def _checked_columns(feature_columns: Any) -> list[FeatureColumn]:
    if isinstance(feature_columns, dict):
        raise ValueError("Expected feature_columns to be iterable, found dict.")
    columns = [feature_columns] if isinstance(feature_columns, FeatureColumn) else list(feature_columns)
    for column in columns:
        if not isinstance(column, FeatureColumn):
            raise ValueError(
                f"Items of feature_columns must be a FeatureColumn. Given (type {type(column)}): {column}."
            )
    if not columns:
        raise ValueError("feature_columns must not be empty.")
    return columns


def input_layer(
    features: Any, feature_columns: Any, weight_collections: Any = None, trainable: bool = True,
    cols_to_vars: Any = None, cols_to_output_tensors: Any = None,
) -> Tensor:  # fmt: skip
    """The columns' values side by side: float32 [batch, sum of their sizes], in the order of their names.

    Args:
      cols_to_vars, cols_to_output_tensors: dicts that receive each column's variables and its part of the layer.
    """
    columns = _checked_columns(feature_columns)
    layer, parts = _core.input_layer(_checked_features(features), columns, trainable, list(weight_collections or []))
    for column, output, variables in parts:
        if cols_to_vars is not None:
            cols_to_vars[column] = variables
        if cols_to_output_tensors is not None:
            cols_to_output_tensors[column] = output
    return layer


def linear_model(
    features: Any, feature_columns: Any, units: int = 1, sparse_combiner: str = "sum", weight_collections: Any = None,
    trainable: bool = True, cols_to_vars: Any = None,
) -> Tensor:  # fmt: skip
    """A weighted sum of the columns' values plus a bias: float32 [batch, units].

    Args:
      cols_to_vars: a dict that receives each column's weights, and "bias".
    """
    columns = _checked_columns(feature_columns)
    model, parts, bias = _core.linear_model(
        _checked_features(features), columns, units, sparse_combiner, trainable, list(weight_collections or [])
    )
    if cols_to_vars is not None:
        cols_to_vars["bias"] = [bias]
        cols_to_vars.update((column, variables) for column, _, variables in parts)
    return model


def make_parse_example_spec(feature_columns: Any) -> dict[str, Any]:
    """How to read these columns' features from tf.train.Example: for tf.parse_example."""
    columns = list(feature_columns)
    for column in columns:
        if not isinstance(column, FeatureColumn):
            raise ValueError(f"All feature_columns must be FeatureColumn instances. Given: {column}")
    return _core.parse_example_spec(columns)
