"""Arithmetic: tf.math and the operators of tf.Tensor. Names and defaults are 1.15's; the ops are C++."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

import numpy as np

from headrace import _core, _ops, dtypes
from headrace.framework import (
    IndexedSlices,
    SparseTensor,
    Tensor,
    constant,
    constant_value,
    convert_n_to_tensor,
    convert_to_tensor,
    name_scope,
)

# -------------------------------------------------------------------------------------------------------- elementwise


def add(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x + y, broadcast. Works for numbers and, joining them, for strings."""
    return _ops.add_v2(x, y, name="Add" if name is None else name) if not _is_string(x) else _ops.add(x, y, name=name)


def _is_string(x: Any) -> bool:
    return isinstance(x, (str, bytes)) or getattr(x, "dtype", None) == dtypes.string


def subtract(x: Any, y: Any, name: str | None = None) -> Tensor:
    return _ops.sub(x, y, name=name)


def multiply(x: Any, y: Any, name: str | None = None) -> Tensor:
    return _ops.mul(x, y, name=name)


def divide(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x / y by Python's rules."""
    if name is not None:
        return truediv(x, y, name)
    return convert_to_tensor(x) / y


def div(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x / y by Python 2's rules: integers divide to integers."""
    with name_scope(name, "div", [x, y]) as scope:
        x = convert_to_tensor(x, name="x")
        y = convert_to_tensor(y, x.dtype.base_dtype, "y")
        return _ops.real_div(x, y, name=scope) if x.dtype.is_floating else _ops.floor_div(x, y, name=scope)


_TRUE_DIVISION = {"int8": dtypes.float32, "uint8": dtypes.float32, "int16": dtypes.float32, "uint16": dtypes.float32,
                  "int32": dtypes.float64, "int64": dtypes.float64}  # fmt: skip


def truediv(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x / y; integers are divided as floats."""
    with name_scope(name, "truediv", [x, y]) as scope:
        x = convert_to_tensor(x, name="x")
        y = convert_to_tensor(y, x.dtype.base_dtype, "y")
        wanted = _TRUE_DIVISION.get(x.dtype.base_dtype.name)
        if wanted is not None:
            x, y = cast(x, wanted), cast(y, wanted)
        return _ops.real_div(x, y, name=scope)


def floordiv(x: Any, y: Any, name: str | None = None) -> Tensor:
    with name_scope(name, "floordiv", [x, y]) as scope:
        return _ops.floor_div(x, y, name=scope)


def div_no_nan(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x / y, and 0 where y is 0."""
    with name_scope(name, "div_no_nan", [x, y]) as scope:
        x = convert_to_tensor(x, name="x")
        return _ops.div_no_nan(x, convert_to_tensor(y, x.dtype.base_dtype, "y"), name=scope)


def pow(x: Any, y: Any, name: str | None = None) -> Tensor:  # noqa: A001
    with name_scope(name, "Pow", [x]) as scope:
        return _ops.pow(x, y, name=scope)


def abs(x: Any, name: str | None = None) -> Tensor:  # noqa: A001
    with name_scope(name, "Abs", [x]) as scope:
        if isinstance(x, SparseTensor):
            return SparseTensor(x.indices, _ops.abs(x.values, name=scope), x.dense_shape)
        return _ops.abs(x, name=scope)


def negative(x: Any, name: str | None = None) -> Tensor:
    return _ops.neg(x, name=name)


def logical_xor(x: Any, y: Any, name: str = "LogicalXor") -> Tensor:
    return _ops.logical_and(_ops.logical_or(x, y), _ops.logical_not(_ops.logical_and(x, y)), name=name)


def equal(x: Any, y: Any, name: str | None = None) -> Tensor:
    return _ops.equal(x, y, name=name)


def not_equal(x: Any, y: Any, name: str | None = None) -> Tensor:
    return _ops.not_equal(x, y, name=name)


def round(x: Any, name: str | None = None) -> Tensor:  # noqa: A001
    """To the nearest integer, halves to even."""
    x = convert_to_tensor(x, name="x")
    return x if x.dtype.is_integer else _ops.round(x, name=name)


def sigmoid(x: Any, name: str | None = None) -> Tensor:
    with name_scope(name, "Sigmoid", [x]) as scope:
        return _ops.sigmoid(x, name=scope)


def log_sigmoid(x: Any, name: str | None = None) -> Tensor:
    with name_scope(name, "LogSigmoid", [x]) as scope:
        return _ops.neg(_ops.softplus(-convert_to_tensor(x)), name=scope)


def tanh(x: Any, name: str | None = None) -> Tensor:
    with name_scope(name, "Tanh", [x]) as scope:
        return _ops.tanh(x, name=scope)


def cast(x: Any, dtype: Any, name: str | None = None) -> Any:
    """x as another type; fractions are cut off when casting to integers."""
    dtype = dtypes.as_dtype(dtype).base_dtype
    if isinstance(x, Tensor) and x.dtype == dtype:
        return x
    with name_scope(name, "Cast", [x]) as scope:
        if isinstance(x, SparseTensor):
            return SparseTensor(x.indices, cast(x.values, dtype, scope), x.dense_shape)
        if isinstance(x, IndexedSlices):
            return IndexedSlices(cast(x.values, dtype, scope), x.indices, x.dense_shape)
        x = convert_to_tensor(x, name="x")
        return x if x.dtype.base_dtype == dtype else _ops.cast(x, dtype, name=scope)


def saturate_cast(value: Any, dtype: Any, name: str | None = None) -> Tensor:
    with name_scope(name, "saturate_cast", [value]) as scope:
        value = convert_to_tensor(value, name="value")
        dtype = dtypes.as_dtype(dtype)
        low = value.dtype.min < dtype.min
        high = value.dtype.max > dtype.max
        if low:
            value = _ops.maximum(value, convert_to_tensor(dtype.min, value.dtype))
        if high:
            value = _ops.minimum(value, convert_to_tensor(dtype.max, value.dtype))
        return cast(value, dtype, scope)


def to_float(x: Any, name: str = "ToFloat") -> Tensor:
    return cast(x, dtypes.float32, name)


def to_double(x: Any, name: str = "ToDouble") -> Tensor:
    return cast(x, dtypes.float64, name)


def to_int32(x: Any, name: str = "ToInt32") -> Tensor:
    return cast(x, dtypes.int32, name)


def to_int64(x: Any, name: str = "ToInt64") -> Tensor:
    return cast(x, dtypes.int64, name)


def clip_by_value(t: Any, clip_value_min: Any, clip_value_max: Any, name: str | None = None) -> Any:
    """t with every element moved into [clip_value_min, clip_value_max]."""
    with name_scope(name, "clip_by_value", [t, clip_value_min, clip_value_max]) as scope:
        values = convert_to_tensor(t.values if isinstance(t, IndexedSlices) else t, name="t")
        # The bounds are converted within the ops that take them, after which their constants are named.
        clipped = _ops.maximum(_ops.minimum(values, clip_value_max), clip_value_min, name=scope)
        return IndexedSlices(clipped, t.indices, t.dense_shape) if isinstance(t, IndexedSlices) else clipped


def _slices(t: Any) -> Any:
    return t if t is None or isinstance(t, IndexedSlices) else convert_to_tensor(t, name="t")


def _norm_like(norm: Any, t: Any) -> Tensor:
    return convert_to_tensor(norm, (t.values if isinstance(t, IndexedSlices) else t).dtype.base_dtype, "clip_norm")


def clip_by_norm(t: Any, clip_norm: Any, axes: Any = None, name: str | None = None) -> Any:
    """t scaled so that its L2 norm over `axes` is at most `clip_norm`."""
    t = _slices(t)
    return _core.clip_by_norm(t, _norm_like(clip_norm, t), axes, name or "clip_by_norm")


def clip_by_average_norm(t: Any, clip_norm: Any, name: str | None = None) -> Tensor:
    """t scaled so that its L2 norm divided by the number of its elements is at most `clip_norm`."""
    t = convert_to_tensor(t, name="t")
    return _core.clip_by_average_norm(t, _norm_like(clip_norm, t), name or "clip_by_average_norm")


def _checked_list(t_list: Any) -> list[Any]:
    if isinstance(t_list, (str, bytes)) or not isinstance(t_list, Sequence):
        raise TypeError("t_list should be a sequence")
    return [_slices(t) for t in t_list]


def global_norm(t_list: Any, name: str | None = None) -> Tensor:
    """The L2 norm of all elements of all tensors together."""
    return _core.global_norm(_checked_list(t_list), name or "global_norm")


def clip_by_global_norm(
    t_list: Any, clip_norm: Any, use_norm: Any = None, name: str | None = None
) -> tuple[list[Any], Tensor]:
    """All tensors scaled by one factor so that their global norm (or `use_norm`) is at most `clip_norm`, and it."""
    tensors = _checked_list(t_list)
    if use_norm is None:
        use_norm = _core.global_norm(tensors, name or "global_norm")
    use_norm = convert_to_tensor(use_norm, name="use_norm")
    norm = convert_to_tensor(clip_norm, use_norm.dtype.base_dtype, "clip_norm")
    return _core.clip_by_global_norm(tensors, norm, use_norm, name or "clip_by_global_norm")


def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Tensor:
    """x where the condition holds and y elsewhere; with neither, the coordinates (int64 [n, rank]) where it holds."""
    if x is None and y is None:
        with name_scope(name, "Where", [condition]) as scope:
            return _ops.where(convert_to_tensor(condition, None, "condition", dtypes.bool_), name=scope)
    if x is None or y is None:
        raise ValueError("x and y must both be non-None or both be None.")
    return _ops.select(condition, x, y, name=name)


def where_v2(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Tensor:
    """As where, with broadcasting."""
    return where(condition, name=name) if x is None else _ops.select_v2(condition, x, y, name=name)


# --------------------------------------------------------------------------------------------------------- reductions


def _reduce(op: Any, default_name: str) -> Any:
    def reduce(
        input_tensor: Any, axis: Any = None, keepdims: Any = None, name: str | None = None,
        reduction_indices: Any = None, keep_dims: Any = None,
    ) -> Tensor:  # fmt: skip
        axis = _one_of("axis", axis, "reduction_indices", reduction_indices)
        keepdims = bool(_one_of("keepdims", keepdims, "keep_dims", keep_dims))
        x = convert_to_tensor(input_tensor, name="input_tensor")
        return getattr(_ops, op)(x, _axes(x, axis), keep_dims=keepdims, name=name)

    reduce.__name__ = reduce.__qualname__ = f"reduce_{op}".replace("all_", "all").replace("any_", "any")
    reduce.__doc__ = (
        f"{default_name} over `axis` (an int or a list; None is all of them); `keepdims` keeps them with size 1."
    )
    return reduce


def _one_of(name: str, value: Any, old_name: str, old_value: Any) -> Any:
    """An argument that has an older name too; given is one of them."""
    if value is not None and old_value is not None:
        raise ValueError(f"Cannot specify both '{name}' and '{old_name}'.")
    return old_value if value is None else value


def _axes(x: Tensor, axis: Any) -> Any:
    if axis is not None:
        if any(isinstance(leaf, (Tensor, _core.Variable)) for leaf in _leaves(axis)):
            return axis
        axes = np.asarray(axis)
        if axes.size == 0:
            return axes.astype(np.int32)
        if axes.dtype.kind not in "iu":
            raise TypeError(f"Expected int32, got {axis!r} of type '{type(axis).__name__}' instead.")
        return axes.astype(np.int32)
    rank = x.shape.ndims
    if rank is not None:
        return constant(np.arange(rank, dtype=np.int32), name="Const")
    return _ops.range(0, _ops.rank(x), 1)


reduce_sum = _reduce("sum", "Sum")
reduce_mean = _reduce("mean", "Mean")
reduce_prod = _reduce("prod", "Prod")
reduce_max = _reduce("max", "Max")
reduce_min = _reduce("min", "Min")
reduce_all = _reduce("all", "All")
reduce_any = _reduce("any", "Any")


def reduce_variance(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    with name_scope(name, "reduce_variance"):
        x = convert_to_tensor(input_tensor)
        centred = x - reduce_mean(x, axis, keepdims=True)
        return reduce_mean(centred * centred, axis, keepdims)


def reduce_std(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    with name_scope(name, "reduce_std"):
        return _ops.sqrt(reduce_variance(input_tensor, axis, keepdims))


def reduce_logsumexp(
    input_tensor: Any, axis: Any = None, keepdims: Any = None, name: str | None = None, reduction_indices: Any = None,
    keep_dims: Any = None,
) -> Tensor:  # fmt: skip
    """log(sum(exp(x))), without overflow."""
    axis = reduction_indices if axis is None else axis
    keepdims = bool(keep_dims) if keepdims is None else keepdims
    return _core.log_sum_exp(convert_to_tensor(input_tensor), axis, bool(keepdims), name or "ReduceLogSumExp")


def count_nonzero(
    input_tensor: Any = None, axis: Any = None, keepdims: Any = None, dtype: Any = dtypes.int64,
    name: str | None = None, reduction_indices: Any = None, keep_dims: Any = None, input: Any = None,  # noqa: A002
) -> Tensor:  # fmt: skip
    """How many elements are not zero (or not empty)."""
    with name_scope(name, "count_nonzero"):
        x = convert_to_tensor(input if input_tensor is None else input_tensor)
        zero = constant("" if x.dtype == dtypes.string else np.zeros((), x.dtype.as_numpy_dtype))
        ones = cast(_ops.not_equal(x, zero), dtypes.int64)
        axis = reduction_indices if axis is None else axis
        return cast(reduce_sum(ones, axis, keepdims=bool(keep_dims) if keepdims is None else keepdims), dtype)


def argmax(
    input: Any,
    axis: Any = None,
    name: str | None = None,
    dimension: Any = None,
    output_type: Any = dtypes.int64,  # noqa: A002
) -> Tensor:
    """The index of the largest element along an axis (0 by default)."""
    axis = dimension if axis is None else axis
    return _ops.arg_max(input, 0 if axis is None else axis, output_type=output_type, name=name or "ArgMax")


def argmin(
    input: Any,
    axis: Any = None,
    name: str | None = None,
    dimension: Any = None,
    output_type: Any = dtypes.int64,  # noqa: A002
) -> Tensor:
    axis = dimension if axis is None else axis
    return _ops.arg_min(input, 0 if axis is None else axis, output_type=output_type, name=name or "ArgMin")


def cumsum(x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None) -> Tensor:
    return _ops.cumsum(x, axis, exclusive=exclusive, reverse=reverse, name=name)


def cumprod(x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None) -> Tensor:
    return _ops.cumprod(x, axis, exclusive=exclusive, reverse=reverse, name=name)


def add_n(inputs: Any, name: str | None = None) -> Tensor:
    """The sum of tensors of one shape and type."""
    if not isinstance(inputs, (list, tuple)) or not inputs:
        raise ValueError("inputs must be a list of at least one Tensor/IndexedSlices with the same dtype and shape")
    tensors = convert_n_to_tensor(inputs)
    if len(tensors) == 1:
        return tensors[0] if name is None else _ops.identity(tensors[0], name=name)
    return _ops.add_n(tensors, name=name)


accumulate_n = add_n


def matmul(
    a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False, adjoint_a: bool = False,
    adjoint_b: bool = False, a_is_sparse: bool = False, b_is_sparse: bool = False, name: str | None = None,
) -> Tensor:  # fmt: skip
    """The matrix product of a [..., m, k] and b [..., k, n]."""
    with name_scope(name, "MatMul", [a, b]) as scope:
        a = convert_to_tensor(a, name="a")
        b = convert_to_tensor(b, a.dtype.base_dtype, "b")
        ranks = (a.shape.ndims, b.shape.ndims)
        if any(rank is None or rank > 2 for rank in ranks):
            return _ops.batch_mat_mul_v2(
                a, b, adj_x=transpose_a or adjoint_a, adj_y=transpose_b or adjoint_b, name=scope
            )
        return _ops.mat_mul(
            a, b, transpose_a=transpose_a or adjoint_a, transpose_b=transpose_b or adjoint_b, name=scope
        )


def matvec(
    a: Any, b: Any, transpose_a: bool = False, adjoint_a: bool = False, a_is_sparse: bool = False,
    b_is_sparse: bool = False, name: str | None = None,
) -> Tensor:  # fmt: skip
    """The product of a [..., m, k] and the vectors b [..., k]."""
    with name_scope(name, "MatVec", [a, b]) as scope:
        product = matmul(a, _ops.expand_dims(b, -1), transpose_a=transpose_a, adjoint_a=adjoint_a)
        return _ops.squeeze(product, squeeze_dims=[-1], name=scope)


def tensordot(a: Any, b: Any, axes: Any, name: str | None = None) -> Tensor:
    """The sum of products over the given axes of a and b: an int (so many last of a, first of b) or two lists.

    Raises:
      ValueError: for axes that are not there, and for sizes that differ.
    """
    a = convert_to_tensor(a, name="a")
    b = convert_to_tensor(b, a.dtype.base_dtype, "b")
    name = name or "Tensordot"
    if isinstance(axes, (int, np.integer)):
        return _core.tensordot_of(a, b, int(axes), name)
    if not isinstance(axes, (list, tuple, np.ndarray)) or len(axes) != 2:
        raise ValueError("'axes' must be an integer or have length 2.")
    over_a, over_b = ([int(side)] if np.ndim(side) == 0 else [int(axis) for axis in side] for side in axes)
    return _core.tensordot(a, b, over_a, over_b, name)


range_of = builtins.range


def stack(values: Any, axis: int = 0, name: str = "stack") -> Tensor:
    """Tensors of one shape as a tensor with one more axis. Values that are all constant become one constant."""
    if axis == 0 and not any(isinstance(v, (Tensor, _core.Variable)) for v in _leaves(values)):
        return convert_to_tensor(values, name=name)
    return _ops.pack(values, axis=axis, name=name)


def _leaves(values: Any) -> Any:
    if isinstance(values, (list, tuple)):
        for value in values:
            yield from _leaves(value)
    else:
        yield values


def range(start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: str = "range") -> Tensor:  # noqa: A001
    """start, start + delta, … below limit; one argument is the limit."""
    if limit is None:
        start, limit = 0, start
    with name_scope(name, "Range", [start, limit, delta]) as scope:
        start = convert_to_tensor(start, dtype, "start")
        limit = convert_to_tensor(limit, dtype, "limit")
        delta = convert_to_tensor(delta, dtype, "delta")
        if dtype is None:
            order = [dtypes.int32, dtypes.int64, dtypes.float32, dtypes.float64]
            widest = max((t.dtype.base_dtype for t in (start, limit, delta)), key=order.index)
            start, limit, delta = (cast(t, widest) for t in (start, limit, delta))
        return _ops.range(start, limit, delta, name=scope)


def linspace(start: Any, stop: Any, num: Any, name: str | None = None) -> Tensor:
    return _ops.lin_space(start, stop, num, name=name)


# ---------------------------------------------------------------------------------------------------------- operators


def _binary(op_name: str, function: Any) -> tuple[Any, Any]:
    def forward(x: Any, y: Any) -> Any:
        if isinstance(y, (SparseTensor, _Undefined)):
            return NotImplemented
        with name_scope(None, op_name, [x, y]) as scope:
            x = convert_to_tensor(x, name="x")
            try:
                y = convert_to_tensor(y, None, "y", dtype_hint=x.dtype.base_dtype)
            except TypeError:
                if hasattr(type(y), f"__r{op_name}__"):
                    return NotImplemented
                raise
            return function(x, y, scope)

    def reverse(y: Any, x: Any) -> Any:
        with name_scope(None, op_name, [x, y]) as scope:
            x = convert_to_tensor(x, y.dtype.base_dtype, "x")
            return function(x, y, scope)

    return forward, reverse


class _Undefined:
    """No value's class; keeps the tuple of refused operands non-empty."""


def _add(x: Tensor, y: Tensor, name: str) -> Tensor:
    return _ops.add(x, y, name=name) if x.dtype == dtypes.string else _ops.add_v2(x, y, name=name)


def _logical(bool_op: Any) -> Any:
    return lambda x, y, name: getattr(_ops, bool_op)(x, y, name=name)


def _install_operators(cls: type) -> None:
    arithmetic = {
        "add": _add,
        "sub": lambda x, y, name: _ops.sub(x, y, name=name),
        "mul": lambda x, y, name: _ops.mul(x, y, name=name),
        "truediv": truediv,
        "floordiv": floordiv,
        "mod": lambda x, y, name: _ops.floor_mod(x, y, name=name),
        "pow": lambda x, y, name: _ops.pow(x, y, name=name),
        "matmul": lambda x, y, name: matmul(x, y, name=name),
        "and": _logical("logical_and"),
        "or": _logical("logical_or"),
        "xor": lambda x, y, name: logical_xor(x, y),
    }
    for op_name, function in arithmetic.items():
        forward, reverse = _binary(op_name, function)
        setattr(cls, f"__{op_name}__", forward)
        setattr(cls, f"__r{op_name}__", reverse)
    comparisons = {"__lt__": "less", "__le__": "less_equal", "__gt__": "greater", "__ge__": "greater_equal"}
    for method, op in comparisons.items():
        setattr(cls, method, lambda x, y, op=op: getattr(_ops, op)(x, y))
    cls.__neg__ = lambda x: _ops.neg(x)
    cls.__abs__ = lambda x: abs(x)
    cls.__invert__ = lambda x: _ops.logical_not(x)


_install_operators(Tensor)
_install_operators(_core.Variable)


def scalar_mul(scalar: Any, x: Any, name: str | None = None) -> Any:
    scalar = convert_to_tensor(scalar, x.dtype.base_dtype, "scalar")
    if isinstance(x, IndexedSlices):
        return IndexedSlices(_ops.mul(scalar, x.values, name=name), x.indices, x.dense_shape)
    return _ops.mul(scalar, x, name=name)


def value_of(x: Any) -> Any:
    """A plain number if x is one or a constant tensor, else None."""
    return x if not isinstance(x, Tensor) else constant_value(x)


def reduce_euclidean_norm(
    input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Tensor:
    """The square root of the sum of squares over the axes (over all by default)."""
    with name_scope(name, "EuclideanNorm", [input_tensor]):
        x = convert_to_tensor(input_tensor)
        return cast(_ops.sqrt(reduce_sum(x * x, axis, keepdims)), x.dtype)


def polyval(coeffs: Any, x: Any, name: str | None = None) -> Tensor:
    """The polynomial whose coefficients are given, the highest power's first, at x. No coefficient: 0."""
    with name_scope(name, "polyval", [*coeffs, x]):
        x = convert_to_tensor(x, name="x")
        if not coeffs:
            return _ops.zeros_like(x)
        terms = [convert_to_tensor(c, name=f"coeff_{i}") for i, c in enumerate(coeffs)]
        value = terms[0]
        for term in terms[1:]:
            value = term + value * x
        return value


def unsorted_segment_mean(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
    """The mean of the rows of each segment; 0 for one without rows."""
    return _unsorted_segments(data, segment_ids, num_segments, name, "UnsortedSegmentMean", lambda n: n)


def unsorted_segment_sqrt_n(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
    """The sum of the rows of each segment divided by the square root of their number; 0 for one without rows."""
    return _unsorted_segments(data, segment_ids, num_segments, name, "UnsortedSegmentSqrtN", _ops.sqrt)


def _unsorted_segments(
    data: Any, segment_ids: Any, num_segments: Any, name: str | None, default_name: str, divisor: Any
) -> Tensor:
    with name_scope(name, default_name):
        data, ids = convert_to_tensor(data), convert_to_tensor(segment_ids)
        ones = _ops.fill(_ops.shape(ids), convert_to_tensor(1, data.dtype))
        count = _ops.maximum(_ops.unsorted_segment_sum(ones, ids, num_segments), convert_to_tensor(1, data.dtype))
        inner = _ops.fill(_ops.expand_dims(_ops.rank(data) - _ops.rank(ids), 0), 1)
        count = _ops.reshape(count, _ops.concat_v2([_ops.shape(count), inner], 0))
        return _ops.unsorted_segment_sum(data, ids, num_segments) / divisor(count)
