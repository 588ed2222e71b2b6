"""Shapes and pieces of tensors: reshape, concat, gather, slicing and their kin."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from headrace import _core, _ops, dtypes
from headrace.framework import (
    IndexedSlices,
    SparseTensor,
    Tensor,
    constant,
    convert_to_tensor,
    name_scope,
)
from headrace.math import cast, stack
from headrace.shapes import TensorShape

newaxis = None


def placeholder(dtype: Any, shape: Any = None, name: str | None = None) -> Tensor:
    """A tensor whose value is given by feed_dict in every run. A None in `shape` is a size that may vary."""
    return _ops.placeholder(dtypes.as_dtype(dtype), shape=shape, name=name)


def placeholder_with_default(input: Any, shape: Any, name: str | None = None) -> Tensor:  # noqa: A002
    """A placeholder that has the value of `input` unless fed."""
    return _ops.placeholder_with_default(input, shape, name=name)


def sparse_placeholder(dtype: Any, shape: Any = None, name: str | None = None) -> SparseTensor:
    scope = "" if name is None else name + "/"
    rank = None if shape is None else len(TensorShape(shape))
    dense_shape = placeholder(dtypes.int64, [rank], scope + "shape" if name else None)
    return SparseTensor(
        placeholder(dtypes.int64, [None, rank], scope + "indices" if name else None),
        placeholder(dtype, [None], scope + "values" if name else None),
        dense_shape,
    )


def identity(input: Any, name: str | None = None) -> Tensor:  # noqa: A002
    return _ops.identity(input, name=name)


def shape(input: Any, name: str | None = None, out_type: Any = dtypes.int32) -> Tensor:  # noqa: A002
    """The sizes of a tensor as a vector; a constant where they are all known."""
    with name_scope(name, "Shape", [input]) as scope:
        if isinstance(input, SparseTensor):
            return cast(input.dense_shape, out_type)
        x = convert_to_tensor(input)
        if x.shape.is_fully_defined():
            return constant(np.array(x.shape.as_list(), dtypes.as_dtype(out_type).as_numpy_dtype), name=scope)
        return _ops.shape(x, out_type=out_type, name=scope)


def size(input: Any, name: str | None = None, out_type: Any = dtypes.int32) -> Tensor:  # noqa: A002
    with name_scope(name, "Size", [input]) as scope:
        x = convert_to_tensor(input)
        if x.shape.is_fully_defined():
            return constant(x.shape.num_elements(), out_type, name=scope)
        return _ops.size(x, out_type=out_type, name=scope)


def rank(input: Any, name: str | None = None) -> Tensor:  # noqa: A002
    with name_scope(name, "Rank", [input]) as scope:
        x = convert_to_tensor(input)
        return (
            constant(x.shape.ndims, dtypes.int32, name=scope) if x.shape.ndims is not None else _ops.rank(x, name=scope)
        )


def reshape(tensor: Any, shape: Any, name: str | None = None) -> Tensor:  # noqa: A002
    """The same elements in another shape; one size may be -1."""
    if isinstance(shape, TensorShape):
        shape = [-1 if d is None else d for d in shape.as_list()]
    return _ops.reshape(tensor, _vector(shape), name=name)


def _vector(sizes: Any) -> Any:
    """An empty list is a float in NumPy's eyes."""
    return np.zeros([0], np.int32) if isinstance(sizes, (list, tuple)) and not sizes else sizes


def expand_dims(input: Any, axis: Any = None, name: str | None = None, dim: Any = None) -> Tensor:  # noqa: A002
    """A tensor with one more axis of size 1 at `axis`."""
    axis = dim if axis is None else axis
    if axis is None:
        raise ValueError("Must specify an axis argument to tf.expand_dims()")
    return _ops.expand_dims(input, axis, name=name)


def squeeze(input: Any, axis: Any = None, name: str | None = None, squeeze_dims: Any = None) -> Tensor:  # noqa: A002
    """A tensor without its axes of size 1, or without those in `axis`."""
    axis = squeeze_dims if axis is None else axis
    axis = [] if axis is None else ([axis] if np.isscalar(axis) else list(axis))
    return _ops.squeeze(input, squeeze_dims=axis, name=name)


def concat(values: Any, axis: Any, name: str = "concat") -> Tensor:
    """Tensors joined along an axis that exists."""
    if not isinstance(values, (list, tuple)):
        values = [values]
    if len(values) == 1:
        with name_scope(name) as scope:
            convert_to_tensor(axis, dtypes.int32, "concat_dim").shape.assert_has_rank(0)
            return identity(values[0], name=scope)
    return _ops.concat_v2(values, axis, name=name)


def unstack(value: Any, num: int | None = None, axis: int = 0, name: str = "unstack") -> list[Tensor]:
    """The slices along an axis, without that axis."""
    if num is None:
        value = convert_to_tensor(value)
        if value.shape.ndims is None:
            raise ValueError(f"Cannot infer num from shape {value.shape}")
        num = value.shape.as_list()[axis]
        if num is None:
            raise ValueError(f"Cannot infer num from shape {value.shape}")
    return _ops.unpack(value, num, axis=axis, name=name)


def split(
    value: Any, num_or_size_splits: Any, axis: Any = 0, num: int | None = None, name: str = "split"
) -> list[Tensor]:
    """Equal parts (an int) or parts of given sizes (a list) along an axis."""
    if isinstance(num_or_size_splits, (int, np.integer)):
        return _ops.split(axis, value, int(num_or_size_splits), name=name)
    sizes = convert_to_tensor(num_or_size_splits)
    return _ops.split_v(value, sizes, axis, num or sizes.shape.as_list()[0], name=name)


def transpose(a: Any, perm: Any = None, name: str = "transpose", conjugate: bool = False) -> Tensor:
    """Axes in another order; reversed if `perm` is None."""
    with name_scope(name, "transpose", [a]) as scope:
        a = convert_to_tensor(a, name="a")
        if perm is None:
            if a.shape.ndims is not None:
                perm = list(range(a.shape.ndims))[::-1]
            else:
                top = _ops.rank(a)
                perm = (top - 1) - _ops.range(0, top, 1)
        return _ops.transpose(a, _vector(perm), name=scope)


def gather(
    params: Any, indices: Any, validate_indices: Any = None, name: str | None = None, axis: Any = None,
    batch_dims: int = 0,
) -> Tensor:  # fmt: skip
    """Slices of `params` along `axis` (0 by default) at `indices`."""
    return _ops.gather_v2(params, indices, batch_dims if axis is None else axis, batch_dims=batch_dims, name=name)


def gather_nd(params: Any, indices: Any, name: str | None = None, batch_dims: int = 0) -> Tensor:
    if batch_dims:
        raise NotImplementedError("tf.gather_nd with batch_dims is not available yet; use tf.gather(batch_dims=…)")
    return _ops.gather_nd(params, indices, name=name)


def slice(input_: Any, begin: Any, size: Any, name: str | None = None) -> Tensor:  # noqa: A001
    """The box that starts at `begin` and is `size` wide; -1 is all that remains."""
    return _ops.slice(input_, begin, size, name=name)


def strided_slice(
    input_: Any, begin: Any, end: Any, strides: Any = None, begin_mask: int = 0, end_mask: int = 0,
    ellipsis_mask: int = 0, new_axis_mask: int = 0, shrink_axis_mask: int = 0, var: Any = None, name: str | None = None,
) -> Tensor:  # fmt: skip
    if strides is None:
        begin = convert_to_tensor(begin)
        strides = ones_like(begin)
    return _ops.strided_slice(
        input_, begin, end, strides, begin_mask=begin_mask, end_mask=end_mask, ellipsis_mask=ellipsis_mask,
        new_axis_mask=new_axis_mask, shrink_axis_mask=shrink_axis_mask, name=name,
    )  # fmt: skip


def _get_item(tensor: Any, key: Any) -> Tensor:
    """tensor[key] with ints, slices, ..., tf.newaxis and tensors as NumPy has it."""
    if isinstance(key, (bool, np.bool_)) or isinstance(key, (Tensor, np.ndarray)) and key.dtype == dtypes.bool_:
        return boolean_mask(tensor, key)
    keys = list(key) if isinstance(key, (list, tuple)) else [key]
    begin: list[Any] = []
    end: list[Any] = []
    strides: list[Any] = []
    masks = {"begin_mask": 0, "end_mask": 0, "ellipsis_mask": 0, "new_axis_mask": 0, "shrink_axis_mask": 0}
    for i, item in enumerate(keys):
        bit = 1 << i
        if item is Ellipsis or item is None:
            masks["ellipsis_mask" if item is Ellipsis else "new_axis_mask"] |= bit
            begin.append(0), end.append(0), strides.append(1)
        elif isinstance(item, builtins.slice):
            begin.append(0 if item.start is None else item.start)
            end.append(0 if item.stop is None else item.stop)
            strides.append(1 if item.step is None else item.step)
            masks["begin_mask"] |= bit * (item.start is None)
            masks["end_mask"] |= bit * (item.stop is None)
        else:
            if not isinstance(item, (int, np.integer, Tensor, _core.Variable)) and not hasattr(item, "__index__"):
                raise TypeError(
                    f"Only integers, slices (`:`), ellipsis (`...`), tf.newaxis (`None`) and scalar tf.int32/tf.int64 "
                    f"tensors are valid indices, got {item!r}"
                )
            begin.append(item), end.append(item + 1), strides.append(1)
            masks["shrink_axis_mask"] |= bit
    with name_scope(None, "strided_slice", [tensor, *begin, *end, *strides]) as scope:
        packed = [stack(part) if part else constant(np.zeros([0], np.int32)) for part in (begin, end, strides)]
        if any(part.dtype == dtypes.int64 for part in packed):
            packed = [cast(part, dtypes.int64) for part in packed]
        return _ops.strided_slice(tensor, *packed, **masks, name=scope)


Tensor.__getitem__ = _get_item
_core.Variable.__getitem__ = _get_item


def boolean_mask(tensor: Any, mask: Any, name: str = "boolean_mask", axis: int | None = None) -> Tensor:
    """The slices where the mask (of the axes from `axis` on) holds: those axes become one.

    Raises:
      ValueError: for a scalar mask, one of unknown rank, and one of another shape than these axes.
    """
    tensor = convert_to_tensor(tensor, name="tensor")
    mask = convert_to_tensor(mask, name="mask")
    if mask.dtype.base_dtype != dtypes.bool_:
        mask = cast(mask, dtypes.bool_)  # numbers choose where they are not zero
    return _core.boolean_mask(tensor, mask, axis or 0, name or "boolean_mask")


def fill(dims: Any, value: Any, name: str | None = None) -> Tensor:
    """A tensor of these sizes with `value` everywhere."""
    return _ops.fill(_vector(dims), value, name=name)


def _filled(number: Any, default_name: str) -> Any:
    def make(shape: Any, dtype: Any = dtypes.float32, name: str | None = None) -> Tensor:  # noqa: A002
        dtype = dtypes.as_dtype(dtype).base_dtype
        value = {"bool": bool(number), "string": ""}.get(dtype.name, number)
        with name_scope(name, default_name, [shape]) as scope:
            if not isinstance(shape, Tensor):
                try:
                    sizes = [int(d) for d in TensorShape(shape).as_list()]  # type: ignore[arg-type]
                except (TypeError, ValueError):
                    sizes = None
                if sizes is not None and np.prod(sizes, dtype=np.int64) < 1000:
                    return constant(value, dtype, sizes, scope)
                shape = _vector(sizes) if sizes is not None else stack(shape)
            return _ops.fill(shape, constant(value, dtype), name=scope)

    make.__name__ = default_name
    make.__doc__ = f"A tensor of the given shape, full of {default_name}."
    return make


zeros = _filled(0, "zeros")
ones = _filled(1, "ones")


def zeros_like(tensor: Any, dtype: Any = None, name: str | None = None, optimize: bool = True) -> Tensor:
    """Zeros of the shape, and unless `dtype` is given the type, of a tensor."""
    with name_scope(name, "zeros_like", [tensor]) as scope:
        tensor = convert_to_tensor(tensor, name="tensor")
        if dtype is not None and dtypes.as_dtype(dtype) != tensor.dtype:
            return zeros(shape(tensor), dtype, scope)
        if optimize and tensor.shape.is_fully_defined() and tensor.dtype.is_numpy_compatible:
            return zeros(tensor.shape, tensor.dtype, scope)
        return _ops.zeros_like(tensor, name=scope)


def ones_like(tensor: Any, dtype: Any = None, name: str | None = None, optimize: bool = True) -> Tensor:
    with name_scope(name, "ones_like", [tensor]) as scope:
        tensor = convert_to_tensor(tensor, name="tensor")
        result = ones(shape(tensor), dtype or tensor.dtype, scope)
        result.set_shape(tensor.shape)
        return result


def one_hot(
    indices: Any, depth: Any, on_value: Any = None, off_value: Any = None, axis: int | None = None, dtype: Any = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """`on_value` (1) at each index along a new axis of size `depth`, `off_value` (0) elsewhere."""
    with name_scope(name, "one_hot") as scope:
        if dtype is None:
            given = next((v for v in (on_value, off_value) if v is not None), None)
            dtype = dtypes.float32 if given is None else convert_to_tensor(given).dtype
        on = convert_to_tensor(1 if on_value is None else on_value, dtype, "on_value")
        off = convert_to_tensor(0 if off_value is None else off_value, dtype, "off_value")
        return _ops.one_hot(indices, depth, on, off, axis=-1 if axis is None else axis, name=scope)


def pad(
    tensor: Any, paddings: Any, mode: str = "CONSTANT", name: str | None = None, constant_values: Any = 0
) -> Tensor:
    """Adds paddings[i] = [before, after] elements along axis i."""
    if mode.upper() != "CONSTANT":
        return _ops.mirror_pad(tensor, paddings, mode=mode.upper(), name=name)
    if not isinstance(constant_values, Tensor) and constant_values == 0:
        return _ops.pad(tensor, paddings, name=name)
    return _ops.pad_v2(tensor, paddings, constant_values, name=name)


def tile(input: Any, multiples: Any, name: str | None = None) -> Tensor:  # noqa: A002
    return _ops.tile(input, multiples, name=name)


def reverse(tensor: Any, axis: Any, name: str | None = None) -> Tensor:
    return _ops.reverse_v2(tensor, axis, name=name)


def unique(x: Any, out_idx: Any = dtypes.int32, name: str | None = None) -> Any:
    return _ops.unique(x, out_idx=out_idx, name=name)


def sequence_mask(lengths: Any, maxlen: Any = None, dtype: Any = dtypes.bool_, name: str | None = None) -> Tensor:
    """True for the first lengths[i] of `maxlen` positions, which are the largest of the lengths by default."""
    lengths = convert_to_tensor(lengths, name="lengths")
    return _core.sequence_mask(lengths, maxlen, dtypes.as_dtype(dtype), name or "SequenceMask")


def broadcast_to(input: Any, shape: Any, name: str | None = None) -> Tensor:  # noqa: A002
    return _ops.broadcast_to(input, _vector(shape), name=name)


def stop_gradient(input: Any, name: str | None = None) -> Tensor:  # noqa: A002
    return _ops.stop_gradient(input, name=name)


# --------------------------------------------------------------------------------------------- composed of the above


def matrix_transpose(a: Any, name: str = "matrix_transpose", conjugate: bool = False) -> Tensor:
    """The two innermost dimensions exchanged. Raises ValueError for a rank below 2."""
    with name_scope(name, "matrix_transpose", [a]):
        a = convert_to_tensor(a, name="a")
        rank_ = a.shape.ndims
        if rank_ is not None:
            if rank_ < 2:
                raise ValueError(f"Argument 'a' should be a (batch) matrix, with rank >= 2.  Found: {a.shape}")
            return transpose(a, [*builtins.range(rank_ - 2), rank_ - 1, rank_ - 2], conjugate=conjugate)
        dynamic = rank(a)
        outer = _ops.range(0, dynamic - 2, 1)
        return transpose(a, concat([outer, stack([dynamic - 1, dynamic - 2])], 0), conjugate=conjugate)


def meshgrid(*args: Any, **kwargs: Any) -> list[Tensor]:
    """The coordinates of a grid: for n vectors n tensors of rank n.

    Args:
      indexing: "xy" (the first two dimensions exchanged) or "ij".
    """
    indexing, name = kwargs.pop("indexing", "xy"), kwargs.pop("name", "meshgrid")
    if kwargs:
        raise TypeError(f"'{next(iter(kwargs))}' is an invalid keyword argument for this function")
    if indexing not in ("xy", "ij"):
        raise ValueError("indexing parameter must be either 'xy' or 'ij'")
    with name_scope(name, "meshgrid", args):
        n = len(args)
        vectors = [convert_to_tensor(arg) for arg in args]
        order = list(builtins.range(n))
        if indexing == "xy" and n > 1:
            order[:2] = [1, 0]
        sizes = stack([size(vectors[i]) for i in order]) if n else None
        grids = []
        for i, vector in enumerate(vectors):
            own = [1] * n
            own[order.index(i)] = -1
            grids.append(reshape(vector, own) * _ops.fill(sizes, convert_to_tensor(1, vector.dtype)))
        return grids


def listdiff(x: Any, y: Any, out_idx: Any = dtypes.int32, name: str | None = None) -> Any:
    """The elements of x that are not in y, in order, and their positions."""
    return _ops.list_diff(x, y, out_idx, name=name)


def setdiff1d(x: Any, y: Any, index_dtype: Any = dtypes.int32, name: str | None = None) -> Any:
    return _ops.list_diff(x, y, index_dtype, name=name)


def broadcast_dynamic_shape(shape_x: Any, shape_y: Any) -> Tensor:
    """The sizes that two vectors of sizes broadcast to."""
    return _ops.broadcast_args(shape_x, shape_y)


def expand_dims_v2(input: Any, axis: Any, name: str | None = None) -> Tensor:  # noqa: A002
    return expand_dims(input, axis, name)


def squeeze_v2(input: Any, axis: Any = None, name: str | None = None) -> Tensor:  # noqa: A002
    return squeeze(input, axis, name)


def shape_v2(input: Any, out_type: Any = dtypes.int32, name: str | None = None) -> Tensor:  # noqa: A002
    return shape(input, name, out_type)


def size_v2(input: Any, out_type: Any = dtypes.int32, name: str | None = None) -> Tensor:  # noqa: A002
    return size(input, name, out_type)


def shape_internal(input: Any, name: str | None = None, optimize: bool = True, out_type: Any = dtypes.int32) -> Tensor:  # noqa: A002
    """As shape(); without `optimize` never a constant."""
    return shape(input, name, out_type) if optimize else _ops.shape(input, out_type=out_type, name=name)


def size_internal(input: Any, name: str | None = None, optimize: bool = True, out_type: Any = dtypes.int32) -> Tensor:  # noqa: A002
    return size(input, name, out_type) if optimize else _ops.size(input, out_type=out_type, name=name)


def rank_internal(input: Any, name: str | None = None, optimize: bool = True) -> Tensor:  # noqa: A002
    return rank(input, name) if optimize else _ops.rank(input, name=name)


def sparse_mask(a: Any, mask_indices: Any, name: str | None = None) -> Any:
    """IndexedSlices without those at `mask_indices`."""
    with name_scope(name, "sparse_mask", [a, mask_indices]) as scope:
        kept, positions = listdiff(a.indices, mask_indices)
        return IndexedSlices(gather(a.values, positions, name=scope), kept, a.dense_shape)


def repeat(input: Any, repeats: Any, axis: int | None = None, name: str | None = None) -> Tensor:  # noqa: A002
    """Each element along an axis several times over; without an axis, of the flattened tensor.

    Args:
      repeats: how often, a number or one for each element.
    """
    with name_scope(name, "Repeat", [input, repeats]):
        data = convert_to_tensor(input)
        if axis is None:
            data, axis = reshape(data, [-1]), 0
        axis = axis + data.shape.ndims if axis < 0 else axis
        count = shape(data)[axis]
        repeats = cast(convert_to_tensor(repeats), dtypes.int32)
        repeats = broadcast_to(repeats if repeats.shape.ndims else reshape(repeats, [1]), stack([count]))
        ends = _ops.cumsum(repeats, 0)
        # Position p of the result is a copy of the element whose end lies behind p.
        total = _ops.sum(repeats, 0)
        behind = _ops.less_equal(expand_dims(ends, 0), expand_dims(_ops.range(0, total, 1), 1))
        return gather(data, _ops.sum(cast(behind, dtypes.int32), 1), axis=axis)
