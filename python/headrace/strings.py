"""tf.strings."""

from __future__ import annotations

from typing import Any

from headrace import _ops, dtypes
from headrace.framework import SparseTensor, Tensor


def as_string(
    input: Any, precision: int = -1, scientific: bool = False, shortest: bool = False, width: int = -1, fill: str = "",  # noqa: A002
    name: str | None = None,
) -> Tensor:  # fmt: skip
    return _ops.as_string(
        input, precision=precision, scientific=scientific, shortest=shortest, width=width, fill=fill, name=name
    )


def string_to_number(
    string_tensor: Any = None, out_type: Any = dtypes.float32, name: str | None = None, input: Any = None
) -> Tensor:  # noqa: A002
    return _ops.string_to_number(input if string_tensor is None else string_tensor, out_type=out_type, name=name)


def string_join(inputs: Any, separator: str = "", name: str | None = None) -> Tensor:
    return _ops.string_join(inputs, separator=separator, name=name)


def string_split(
    source: Any = None, sep: Any = None, skip_empty: bool = True, delimiter: Any = None, name: str | None = None,
    input: Any = None,  # noqa: A002
) -> SparseTensor:  # fmt: skip
    delimiter = next((d for d in (delimiter, sep) if d is not None), " ")
    return SparseTensor(
        *_ops.string_split(input if source is None else source, delimiter, skip_empty=skip_empty, name=name)
    )


def substr(input: Any, pos: Any, len: Any, name: str | None = None, unit: str = "BYTE") -> Tensor:  # noqa: A002
    return _ops.substr(input, pos, len, unit=unit, name=name)


def regex_replace(
    input: Any, pattern: Any, rewrite: Any, replace_global: bool = True, name: str | None = None
) -> Tensor:  # noqa: A002
    return _ops.regex_replace(input, pattern, rewrite, replace_global=replace_global, name=name)


def regex_full_match(input: Any, pattern: Any, name: str | None = None) -> Tensor:  # noqa: A002
    return _ops.regex_full_match(input, pattern, name=name)


def string_to_hash_bucket_fast(
    input: Any = None, num_buckets: int = 0, name: str | None = None, string_tensor: Any = None
) -> Tensor:  # noqa: A002
    return _ops.string_to_hash_bucket_fast(string_tensor if input is None else input, num_buckets, name=name)


def string_to_hash_bucket(
    string_tensor: Any = None, num_buckets: int = 0, name: str | None = None, input: Any = None
) -> Tensor:  # noqa: A002
    return _ops.string_to_hash_bucket(input if string_tensor is None else string_tensor, num_buckets, name=name)
