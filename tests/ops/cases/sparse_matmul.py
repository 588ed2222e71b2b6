"""Products of sparse and dense matrices."""

import numpy as np
from make_op_cases import Case, of, ramp

INDICES = of("int64", [[0, 1], [1, 2], [0, 1]])  # one entry twice
SHAPE = of("int64", [2, 3])
VALUES = ramp(3, start=1.0)


def product(indices=INDICES, values=VALUES, shape=SHAPE, b=None, **kwargs):
    b = ramp(3, 2) if b is None else b
    return Case("SparseTensorDenseMatMul", of("int64", indices), values, of("int64", shape), b, **kwargs)


CASES = [
    product(),
    product(b=ramp(2, 4), adjoint_a=True, name="a adjoint"),
    product(b=ramp(4, 3), adjoint_b=True, name="b adjoint"),
    product(b=ramp(4, 2), adjoint_a=True, adjoint_b=True, name="both adjoint"),
    product(values=ramp(3, dtype="float64"), b=ramp(3, 2, dtype="float64"), name="float64"),
    product(values=of("int32", [1, 2, 3]), b=of("int32", [[1], [2], [3]]), name="int32"),
    Case("SparseTensorDenseMatMul", of("int32", INDICES), VALUES, SHAPE, ramp(3, 2), name="int32 indices"),
    product(np.zeros((0, 2)), of("float32", []), name="no entries"),
    product(np.zeros((0, 2)), of("float32", []), [0, 3], name="no rows"),
    product([[0, 3]], ramp(1), name="column out of bounds"),
    product([[2, 0]], ramp(1), name="row out of bounds"),
    product([[0, -1]], ramp(1), name="negative column"),
    product([[-1, 0]], ramp(1), name="negative row"),
    product(shape=[2, 4], name="inner sizes differ"),
    product(b=ramp(3), name="vector"),
    product(shape=[2, 3, 4], name="shape of three axes"),
    product(values=ramp(2), name="too few values"),
]
