"""tf.map_fn, tf.scan, tf.foldl and tf.foldr: loops over the rows of tensors, made of while_loop and TensorArray."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from headrace import structure
from headrace.branches import while_loop
from headrace.framework import SparseTensor, Tensor, constant, convert_to_tensor, name_scope
from headrace.shapes import Dimension, TensorShape, dimension_value
from headrace.tensor_array import TensorArray


def _rows_of(tensor: Tensor) -> Any:
    """The number of rows: an int if it is known, else a scalar tensor."""
    from headrace.arrays import shape

    return dimension_value(tensor.shape[0]) or shape(tensor)[0]


def _unstacked(tensor: Tensor, rows: Any, element_shape: Any = None) -> TensorArray:
    return TensorArray(tensor.dtype, size=rows, infer_shape=True, element_shape=element_shape).unstack(tensor)


def _with_rows(result: Tensor, elems: list[Tensor]) -> Tensor:
    """`result`, whose shape says that it has as many rows as the elems."""
    rows = Dimension(None)
    for elem in elems:
        rows = rows.merge_with(elem.shape.with_rank_at_least(1)[0])
    rest = result.shape[1:] if result.shape.ndims is not None else TensorShape(None)
    result.set_shape(TensorShape([rows]).concatenate(rest))
    return result


def _check(fn: Any) -> None:
    if not callable(fn):
        raise TypeError("fn must be callable.")


def map_fn(
    fn: Callable, elems: Any, dtype: Any = None, parallel_iterations: int | None = None, back_prop: bool = True,
    swap_memory: bool = False, infer_shape: bool = True, name: str | None = None,
) -> Any:  # fmt: skip
    """fn of each row of `elems`, stacked.

    >>> import tensorflow as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.map_fn(lambda row: row * row, tf.constant([1.0, 2.0, 3.0])))
    array([1., 4., 9.], dtype=float32)

    Args:
      elems: a tensor or a structure of tensors with equally many rows.
      dtype: of what fn gives, in its structure; needed where that differs from elems.
    """
    _check(fn)
    if isinstance(elems, SparseTensor):
        raise TypeError(
            "To perform a map on the values of a sparse tensor use either "
            " SparseTensor(input.indices, fn(input.values), input.dense_shape) or "
            " SparseTensor(input.indices, map_fn(fn, input.values), input.dense_shape)"
        )
    flat = structure.flatten(elems)
    with name_scope(name, "map", flat):
        flat = [convert_to_tensor(elem, name="elem") for elem in flat]
        if dtype is None:
            dtype = structure.pack_sequence_as(elems, [elem.dtype for elem in flat])
        if flat[0].shape.ndims == 0:
            raise ValueError(
                "elems must be a 1+ dimensional Tensor, not a scalar"
                if len(flat) == 1
                else "elements in elems must be 1+ dimensional Tensors, not scalars"
            )
        rows = _rows_of(flat[0])
        given = [_unstacked(elem, rows) for elem in flat]
        made = [TensorArray(d, size=rows, infer_shape=infer_shape) for d in structure.flatten(dtype)]

        def step(i: Tensor, arrays: list[TensorArray]) -> Any:
            result = fn(structure.pack_sequence_as(elems, [array.read(i) for array in given]))
            structure.assert_same_structure(dtype, result)
            written = [a.write(i, value) for a, value in zip(arrays, structure.flatten(result))]
            return (i + 1, written)

        _, arrays = while_loop(
            lambda i, _: i < rows, step, (constant(0), made), parallel_iterations=parallel_iterations or 10,
            back_prop=back_prop, swap_memory=swap_memory, maximum_iterations=rows,
        )  # fmt: skip
        return structure.pack_sequence_as(dtype, [_with_rows(a.stack(), flat) for a in arrays])


def scan(
    fn: Callable, elems: Any, initializer: Any = None, parallel_iterations: int = 10, back_prop: bool = True,
    swap_memory: bool = False, infer_shape: bool = True, reverse: bool = False, name: str | None = None,
) -> Any:  # fmt: skip
    """The results of a = fn(a, row) after each row of `elems`, stacked.

    >>> import tensorflow as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.scan(lambda a, row: a + row, tf.constant([1.0, 2.0, 3.0])))
    array([1., 3., 6.], dtype=float32)

    Args:
      initializer: what `a` is at first, in the structure of fn's results; the first row if not given.
      reverse: from the last row to the first.
    """
    _check(fn)
    like = elems if initializer is None else initializer
    flat = structure.flatten(elems)
    with name_scope(name, "scan", flat):
        flat = [convert_to_tensor(elem, name="elem") for elem in flat]
        rows = dimension_value(flat[0].shape[0])
        if rows is None:
            from headrace.arrays import shape

            rows = shape(flat[0])[0]
        given = [_unstacked(elem, rows, elem.shape[1:]) for elem in flat]
        first = rows - 1 if reverse else 0
        if initializer is None:
            start, skipped = [array.read(first) for array in given], 1
        else:
            start, skipped = [convert_to_tensor(value) for value in structure.flatten(initializer)], 0
        made = [
            TensorArray(a.dtype, size=rows, element_shape=a.shape if infer_shape else None, infer_shape=infer_shape)
            for a in start
        ]
        if initializer is None:
            made = [array.write(first, a) for array, a in zip(made, start)]

        def step(i: Any, state: list[Tensor], arrays: list[TensorArray]) -> Any:
            row = structure.pack_sequence_as(elems, [array.read(i) for array in given])
            result = fn(structure.pack_sequence_as(like, state), row)
            structure.assert_same_structure(like, result)
            values = structure.flatten(result)
            arrays = [array.write(i, value) for array, value in zip(arrays, values)]
            return (i - 1 if reverse else i + 1, values, arrays)

        begin, more = skipped, lambda i, *_: i < rows
        if reverse:
            begin, more = rows - 1 - skipped, lambda i, *_: i >= 0
        *_, arrays = while_loop(
            more, step, (begin, start, made), parallel_iterations=parallel_iterations, back_prop=back_prop,
            swap_memory=swap_memory, maximum_iterations=rows,
        )  # fmt: skip
        return structure.pack_sequence_as(like, [_with_rows(a.stack(), flat) for a in arrays])


def _fold(
    fn: Callable, elems: Any, initializer: Any, parallel_iterations: int, back_prop: bool, swap_memory: bool,
    name: str | None, default_name: str, from_right: bool,
) -> Any:  # fmt: skip
    _check(fn)
    with name_scope(name, default_name, structure.flatten(elems)):
        flat = [convert_to_tensor(elem, name="elem") for elem in structure.flatten(elems)]
        rows = _rows_of(flat[0])
        arrays = [_unstacked(elem, rows) for elem in flat]

        def row(i: Any) -> Any:
            return structure.pack_sequence_as(elems, [array.read(i) for array in arrays])

        if from_right:
            begin = rows if initializer is not None else rows - 1
            a = initializer if initializer is not None else row(begin)

            def step(i: Tensor, a: Any) -> list[Any]:
                i -= 1
                return [i, fn(a, row(i))]

            more = lambda i, a: i > 0  # noqa: E731
        else:
            a = initializer if initializer is not None else row(0)
            begin = constant(0 if initializer is not None else 1)

            def step(i: Tensor, a: Any) -> list[Any]:
                return [i + 1, fn(a, row(i))]

            more = lambda i, a: i < rows  # noqa: E731
        _, result = while_loop(
            more, step, [begin, a], parallel_iterations=parallel_iterations, back_prop=back_prop,
            swap_memory=swap_memory, maximum_iterations=rows,
        )  # fmt: skip
        return result


def foldl(
    fn: Callable, elems: Any, initializer: Any = None, parallel_iterations: int = 10, back_prop: bool = True,
    swap_memory: bool = False, name: str | None = None,
) -> Any:  # fmt: skip
    """a = fn(a, row) for each row of `elems`, from the first to the last; the last `a`.

    `initializer` is what `a` is at first; the first row if not given.
    """
    return _fold(fn, elems, initializer, parallel_iterations, back_prop, swap_memory, name, "foldl", False)


def foldr(
    fn: Callable, elems: Any, initializer: Any = None, parallel_iterations: int = 10, back_prop: bool = True,
    swap_memory: bool = False, name: str | None = None,
) -> Any:  # fmt: skip
    """As foldl, from the last row to the first."""
    return _fold(fn, elems, initializer, parallel_iterations, back_prop, swap_memory, name, "foldr", True)
