"""tf.sparse: sparse tensors reshaped, ordered, cut, filled and multiplied."""

from __future__ import annotations

from typing import Any

from headrace import _ops, arrays, dtypes, framework, math
from headrace.framework import SparseTensor, SparseTensorValue, Tensor, convert_to_tensor, name_scope


def _sparse(value: Any) -> SparseTensor:
    """A sparse tensor, given as one or as a SparseTensorValue. Raises TypeError for anything else."""
    if isinstance(value, SparseTensorValue):
        return SparseTensor.from_value(value)
    if not isinstance(value, SparseTensor):
        raise TypeError("Input must be a SparseTensor.")
    return value


def _sizes(shape: Any) -> Tensor:
    """A shape as an int64 vector."""
    return math.cast(shape, dtypes.int64) if framework.is_tensor(shape) else convert_to_tensor(shape, dtypes.int64)


def sparse_reshape(sp_input: Any, shape: Any, name: str | None = None) -> SparseTensor:
    """The elements in another dense shape, in the same order; one size may be -1.

    Raises:
      ValueError: where the shapes are known to have different numbers of elements.
    """
    sp = _sparse(sp_input)
    shape = _sizes(shape)
    with name_scope(name, "SparseReshape", [sp.indices]) as scope:
        old, new = framework.constant_value(sp.dense_shape), framework.constant_value(shape)
        if old is not None and new is not None:
            count, known, open_ = int(old.prod()), int(new[new != -1].prod()), int((new == -1).sum())
            if open_ > 1:
                raise ValueError(f"At most one dimension can be inferred (-1). Found: {new.tolist()}")
            if (open_ == 0 and count != known) or (open_ == 1 and known and count % known):
                raise ValueError(f"Cannot reshape a tensor with {count} elements to shape {new.tolist()}.")
        indices, sizes = _ops.sparse_reshape(sp.indices, sp.dense_shape, shape, name=scope)
        return SparseTensor(indices, arrays.identity(sp.values), sizes)


def sparse_reorder(sp_input: Any, name: str | None = None) -> SparseTensor:
    """The elements in row-major order."""
    sp = _sparse(sp_input)
    indices, values = _ops.sparse_reorder(sp.indices, sp.values, sp.dense_shape, name=name)
    return SparseTensor(indices, values, arrays.identity(sp.dense_shape))


def sparse_slice(sp_input: Any, start: Any, size: Any, name: str | None = None) -> SparseTensor:
    """The elements of a box, which begins at `start`."""
    sp = _sparse(sp_input)
    start, size = convert_to_tensor(start, dtypes.int64), convert_to_tensor(size, dtypes.int64)
    with name_scope(name, "SparseSlice", [sp.indices]) as scope:
        parts = _ops.sparse_slice(sp.indices, sp.values, sp.dense_shape, start, size, name=scope)
        return SparseTensor(*parts)


def sparse_fill_empty_rows(sp_input: Any, default_value: Any, name: str | None = None) -> tuple[SparseTensor, Tensor]:
    """Each row without an element gets the default in its first column; and which rows those were."""
    sp = _sparse(sp_input)
    with name_scope(name, "SparseFillEmptyRows", [sp.indices]):
        default_value = convert_to_tensor(default_value, sp.values.dtype)
        indices, values, empty, _ = _ops.sparse_fill_empty_rows(sp.indices, sp.values, sp.dense_shape, default_value)
        return SparseTensor(indices, values, sp.dense_shape), empty


def sparse_retain(sp_input: Any, to_retain: Any) -> SparseTensor:
    """The elements for which `to_retain`, a bool each, holds."""
    sp = _sparse(sp_input)
    to_retain = convert_to_tensor(to_retain)
    to_retain.shape.assert_is_compatible_with(sp.values.shape)
    where = arrays.reshape(math.where(to_retain), [-1])
    return SparseTensor(
        arrays.gather(sp.indices, where), arrays.gather(sp.values, where), arrays.identity(sp.dense_shape)
    )


def sparse_to_dense(
    sparse_indices: Any, output_shape: Any, sparse_values: Any, default_value: Any = 0, validate_indices: bool = True,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """A tensor of the default with values at indices, which must be in order and different if they are validated."""
    return _ops.sparse_to_dense(
        sparse_indices, output_shape, sparse_values, default_value, validate_indices=validate_indices, name=name
    )


def sparse_tensor_to_dense(
    sp_input: Any, default_value: Any = None, validate_indices: bool = True, name: str | None = None
) -> Tensor:
    """The tensor that a sparse one stands for; the default is 0 or ""."""
    sp = _sparse(sp_input)
    if default_value is None:
        default_value = "" if sp.dtype == dtypes.string else arrays.zeros([], sp.dtype)
    return sparse_to_dense(sp.indices, sp.dense_shape, sp.values, default_value, validate_indices, name)


def sparse_to_indicator(sp_input: Any, vocab_size: Any, name: str | None = None) -> Tensor:
    """Bools: whether an id (the values; the last dimension is one of ids) is in each row."""
    sp = _sparse(sp_input)
    with name_scope(name, "SparseToIndicator", [sp.indices]):
        ids = math.cast(sp.values, dtypes.int64)
        outer = sp.indices[:, :-1]
        rows = arrays.concat([outer, arrays.expand_dims(ids, 1)], 1)
        vocab = math.cast(arrays.reshape(convert_to_tensor(vocab_size), [1]), dtypes.int64)
        sizes = arrays.concat([sp.dense_shape[:-1], vocab], 0)
        filled = _ops.scatter_nd(rows, arrays.ones_like(ids), sizes)
        return math.not_equal(filled, convert_to_tensor(0, dtypes.int64))


def sparse_reset_shape(sp_input: Any, new_shape: Any = None) -> SparseTensor:
    """The elements in the tightest dense shape that holds them, or in a new one at least as large as the old.

    Raises:
      ValueError: for a new shape that is known to be smaller or of another rank.
    """
    sp = _sparse(sp_input)
    indices, values = arrays.identity(sp.indices), arrays.identity(sp.values)
    if new_shape is None:
        count = arrays.shape(indices)[0]
        tight = math.reduce_max(indices, 0) + 1
        sizes = math.cast(_ops.minimum(count, 1), dtypes.int64) * _ops.maximum(
            tight, convert_to_tensor(0, dtypes.int64)
        )
        return SparseTensor(indices, values, sizes)
    new_shape = _sizes(new_shape)
    new_shape.shape.with_rank(1)
    old = framework.constant_value(sp.dense_shape)
    new = framework.constant_value(new_shape)
    if sp.dense_shape.shape.is_fully_defined() and new_shape.shape.is_fully_defined():
        sp.dense_shape.shape.assert_is_compatible_with(new_shape.shape)
    if old is not None and new is not None and (old > new).any():
        raise ValueError(
            f"Requested new_shape should have dimension sizes >= sp_input.shape.  Found new_shape ({new}), "
            f"sp_input.shape ({old})."
        )
    from headrace import checks

    same_rank = checks.assert_equal(arrays.shape(sp.dense_shape), arrays.shape(new_shape))
    with framework.control_dependencies([same_rank]):
        large_enough = checks.assert_less_equal(sp.dense_shape, new_shape)
    with framework.control_dependencies([large_enough]):
        return SparseTensor(indices, values, arrays.identity(new_shape))


def sparse_tensor_dense_matmul(
    sp_a: Any, b: Any, adjoint_a: bool = False, adjoint_b: bool = False, name: str | None = None
) -> Tensor:
    """The product of a sparse and a dense matrix."""
    sp = _sparse(sp_a)
    with name_scope(name, "SparseTensorDenseMatMul", [sp.indices, sp.values, b]) as scope:
        b = convert_to_tensor(b, name="b")
        return _ops.sparse_tensor_dense_mat_mul(
            sp.indices, sp.values, sp.dense_shape, b, adjoint_a=adjoint_a, adjoint_b=adjoint_b, name=scope
        )


def sparse_segment_sum(
    data: Any, indices: Any, segment_ids: Any, name: str | None = None, num_segments: Any = None
) -> Any:
    """The sums of the rows `indices` of data, by segment."""
    return _segments("sum", data, indices, segment_ids, name, num_segments)


def sparse_segment_mean(
    data: Any, indices: Any, segment_ids: Any, name: str | None = None, num_segments: Any = None
) -> Any:
    """The means of the rows `indices` of data, by segment."""
    return _segments("mean", data, indices, segment_ids, name, num_segments)


def sparse_segment_sqrt_n(
    data: Any, indices: Any, segment_ids: Any, name: str | None = None, num_segments: Any = None
) -> Any:
    """The sums by segment, divided by the square root of the number of rows."""
    return _segments("sqrt_n", data, indices, segment_ids, name, num_segments)


def _segments(how: str, data: Any, indices: Any, segment_ids: Any, name: str | None, num_segments: Any) -> Any:
    if num_segments is None:
        return getattr(_ops, f"sparse_segment_{how}")(data, indices, segment_ids, name=name)
    function = getattr(_ops, f"sparse_segment_{how}_with_num_segments")
    return function(data, indices, segment_ids, num_segments, name=name)
