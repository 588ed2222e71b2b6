"""Sparse tensors: indices, values and shape apart."""

import numpy as np
from make_op_cases import Case, of, ramp


def int64(values):
    return of("int64", values)


def no_entries(rank):
    return np.zeros((0, rank), np.int64)


ENTRIES = int64([[0, 0], [0, 2], [1, 1], [2, 3]])
WORDS = of("string", ["a", "bc", "", "d"])
MIXED = int64([[3, 1], [0, 3], [2, 0], [0, 1]])  # in no order
NONE = of("float32", [])


def reorder(indices, values, shape, **kwargs):
    return Case("SparseReorder", int64(indices), values, int64(shape), **kwargs)


def reshape(indices, shape, wanted, **kwargs):
    return Case("SparseReshape", int64(indices), int64(shape), int64(wanted), **kwargs)


def cut(start, size, values=None, indices=ENTRIES, shape=(3, 4), **kwargs):
    values = ramp(4) if values is None else values
    return Case("SparseSlice", indices, values, int64(shape), int64(start), int64(size), **kwargs)


def dense(indices, shape, values, default=9.0, **kwargs):
    return Case("SparseToDense", int64(indices), int64(shape), values, default, **kwargs)


def fill(indices, values, shape, default=7.0, **kwargs):
    return Case("SparseFillEmptyRows", int64(indices), values, int64(shape), default, **kwargs)


CASES = [
    reorder(MIXED, ramp(4), [4, 4]),
    reorder(MIXED, WORDS, [4, 4], name="strings"),
    reorder(ENTRIES, ramp(4), [3, 4], name="in order"),
    reorder([[1, 0], [0, 0], [0, 0]], [1, 2, 3], [2, 2], name="repeated entries"),
    reorder([[5, 0], [-1, 1]], ramp(2), [2, 2], name="out of bounds"),
    reorder(no_entries(2), NONE, [2, 2], name="no entries"),
    reorder(ENTRIES, ramp(3), [3, 4], name="too few values"),
    reorder(ENTRIES, ramp(4), [3, 4, 5], name="shape of another rank"),
    reorder([1, 0], ramp(2), [2], name="vector of indices"),
    reshape([[0, 0], [1, 2]], [2, 3], [3, -1]),
    reshape([[0, 0, 1], [1, 2, 3]], [2, 3, 4], [24], name="to a vector"),
    reshape([[5], [23]], [24], [2, -1, 4], name="from a vector"),
    reshape([[0, 0], [1, 2]], [2, 3], [2, 3], name="as it is"),
    reshape([[0, 0]], [1, 1], int64([]), name="to a scalar"),
    reshape(np.zeros((1, 0)), int64([]), [1, 1], name="from a scalar"),
    reshape(no_entries(2), [0, 3], [3, -1], name="no entries"),
    reshape(no_entries(2), [0, 3], [0, 7], name="nothing to nothing"),
    reshape([[5, 0], [-1, 2]], [2, 3], [3, 2], name="out of bounds"),
    reshape([[0, 0]], [2, 3], [-1, -1], name="two unknown sizes"),
    reshape([[0, 0]], [2, 3], [4, -1], name="not a divisor"),
    reshape([[0, 0]], [2, 3], [4, 2], name="other number of elements"),
    reshape([[0, 0]], [2, 3], [-2, 2], name="negative size"),
    reshape([[0, 0]], [2, 3], [0, -1], name="unknown beside nothing"),
    reshape([[0, 0]], [-2, 3], [3, -1], name="negative input size"),
    reshape([[0, 0]], [2, 3, 1], [3, -1], name="shape of another rank"),
    reshape([[0, 0]], [2**62, 2**62], [-1], name="too many elements"),
    reshape([[0, 0]], [0, 3], [0, 5], name="an entry of nothing"),
    reshape([[0, 0]], [2, 3], [[3, 2]], name="matrix as shape"),
    cut([0, 1], [2, 2]),
    cut([1, 1], [20, 20], name="beyond the end"),
    cut([5, 0], [2, 2], name="behind the end"),
    cut([-1, 0], [5, 2], name="before the beginning"),
    cut([0, 0], [2, 4], WORDS, name="strings"),
    cut([0, 0], [2, 4], ramp(4), MIXED, (4, 4), name="not in order"),
    cut([0, 0], [8, 4], ramp(4), MIXED, (2, 4), name="out of bounds"),
    cut([0, 0], [-1, 2], name="negative size"),
    cut([0], [2, 2], name="start too short"),
    cut([0, 0], [2], name="size too short"),
    cut([0, 0], [2, 2], ramp(3), name="too few values"),
    cut([0, 0], [2, 2], shape=(-3, 4), name="negative input size"),
    [
        Case("SparseSliceGrad", of(d, [1, 2]), ENTRIES, int64([0, 1]), int64([[0, 1], [1, 0]]), name=d)
        for d in ("float32", "float64", "int32")
    ],
    Case(
        "SparseSliceGrad", of("float32", [1, 2]), ENTRIES, int64([0, 1]), int64([[0, 1], [7, 0]]), name="no such entry"
    ),
    Case(
        "SparseSliceGrad", of("float32", [1]), ENTRIES, int64([0, 1]), int64([[0, 1], [1, 0]]), name="too few gradients"
    ),
    Case("SparseSliceGrad", of("float32", [1]), ENTRIES, int64([0]), int64([[0, 1]]), name="start too short"),
    dense([[0, 1], [1, 0]], [2, 2], of("float32", [1, 2])),
    dense([[0, 1], [1, 0]], [2, 2], 5.0, name="one value"),
    dense([[0, 1], [1, 0]], [2, 2], of("string", ["x", "y"]), of("string", "-"), name="strings"),
    dense([[0, 1], [1, 0]], [2, 2], of("bool", [True, True]), of("bool", False), name="bools"),
    dense([1, 3], [4], of("float32", [1, 2]), name="vector", gradients=False),
    dense(2, [4], 1.0, name="scalar", gradients=False),
    dense(
        [[1, 1], [0, 0], [0, 0]],
        [2, 2],
        of("int32", [1, 2, 3]),
        9,
        validate_indices=False,
        name="not in order, allowed",
    ),
    dense(no_entries(2), [2, 3], NONE, name="no entries"),
    dense(no_entries(2), [0, 3], NONE, name="nothing"),
    dense(np.zeros((1, 0)), int64([]), of("float32", [4]), name="dense scalar", gradients=False),
    Case("SparseToDense", [[0, 1]], [2, 2], of("float32", [1]), 9.0, name="int32"),
    dense([[1, 1], [0, 0]], [2, 2], of("float32", [1, 2]), name="not in order"),
    dense([[1, 1], [1, 1]], [2, 2], of("float32", [1, 2]), name="repeated"),
    dense([[1, 5]], [2, 2], of("float32", [1]), name="out of bounds"),
    dense([[-1, 0]], [2, 2], of("float32", [1]), validate_indices=False, name="negative index"),
    dense([[1, 1, 1]], [2, 2], of("float32", [1]), name="too many columns"),
    dense([[1, 1]], [2, 2], of("float32", [1, 2]), name="too many values"),
    dense([[1, 1]], [2, 2], of("float32", [1]), [9.0], name="vector as default"),
    dense([[1, 1]], [-2, 2], of("float32", [1]), name="negative size"),
    dense([[[1, 1]]], [2, 2], of("float32", [1]), name="three axes of indices"),
    dense([1], 3, of("float32", [1]), name="scalar as shape"),
    fill(ENTRIES, ramp(4), [5, 4]),
    fill(MIXED, ramp(4), [5, 4], name="not in order"),
    fill(ENTRIES, WORDS, [4, 4], of("string", "?"), name="strings"),
    fill(ENTRIES, ramp(4), [3, 4], name="no row empty"),
    fill([[1, 1], [0, 3]], ramp(2), [2, 4], name="no row empty, not in order"),
    fill([[1], [2]], ramp(2), [4], name="one axis"),
    fill([[1, 90]], ramp(1), [2, 4], name="column out of bounds"),
    fill(no_entries(2), NONE, [3, 4], name="all rows empty"),
    fill(no_entries(2), NONE, [0, 4], name="no rows"),
    fill([[0, 0]], ramp(1), [0, 4], name="an entry of no rows"),
    fill([[5, 0]], ramp(1), [2, 4], name="row out of bounds"),
    fill([[-1, 0]], ramp(1), [2, 4], name="negative row"),
    fill([[1, 0]], ramp(2), [2, 4], name="too many values"),
    fill([[1, 0]], ramp(1), [2, 4], [7.0], name="vector as default"),
    fill([[1, 0]], ramp(1), [2, 4, 5], name="shape of another rank"),
    fill([[1, 0]], ramp(1), int64([]), name="no shape"),
    fill(no_entries(2), NONE, [-2, 4], name="negative size"),
    Case("SparseFillEmptyRowsGrad", int64([0, 2, 3]), ramp(5)),
    Case("SparseFillEmptyRowsGrad", int64([0, 0]), of("int64", [1, 2]), name="position given twice"),
    Case("SparseFillEmptyRowsGrad", int64([0, 9]), ramp(2), name="out of range"),
    Case("SparseFillEmptyRowsGrad", int64([0, -1]), ramp(2), name="negative"),
    Case("SparseFillEmptyRowsGrad", int64([[0]]), ramp(2), name="matrix"),
]
