"""Elementwise arithmetic of two tensors, broadcast together."""

import math

import numpy as np
from make_op_cases import FLOATS, REAL, Case, each, of, ramp, vec

X = [7.0, -7.0, 3.5, 0.0, -2.5, 9.0]
Y = [2.0, 2.0, -1.5, 4.0, -2.5, 0.5]
SMALL_X = [7, 100, 3, 0, 25, 9]
SMALL_Y = [2, 3, 1, 4, 5, 9]
ARITHMETIC = ("AddV2", "Sub", "Mul", "Maximum", "Minimum")
ADDED = [d for d in REAL if d not in ("uint16", "uint32", "uint64")]

SHAPES = [
    ("scalar right", ramp(2, 3), 2.5),
    ("scalar left", 2.5, ramp(2, 3, start=1.0)),
    ("row", ramp(2, 3), ramp(3, start=0.5)),
    ("column", ramp(2, 3), ramp(2, 1, start=0.5)),
    ("outer", ramp(4, 1), ramp(1, 3, start=0.5)),
    ("three axes", ramp(2, 3, 4), ramp(3, 1, start=0.5)),
    ("wide rows", ramp(3, 40, step=0.0625), ramp(40, start=0.5, step=0.0625)),
    ("wide columns", ramp(3, 40, step=0.0625), ramp(3, 1, start=0.5)),
    ("both ways", ramp(2, 1, 5), ramp(1, 3, 1, start=0.5)),
    ("empty", ramp(0, 3), ramp(3)),
]

# More than a tile of 512 elements; integers, since their text is short.
LARGE = [
    ("large, scalar", (603,), ()),
    ("large, short rows", (47, 13), (13,)),
    ("large, long rows", (2, 300), (300,)),
    ("large, column", (47, 13), (47, 1)),
    ("large, middle axis", (9, 7, 10), (7, 1)),
    ("large, both ways", (60, 1), (1, 10)),
    ("large, three axes", (3, 10, 20), (3, 1, 20)),
    ("large, short rows of one operand", (1, 5), (120, 1)),
]


def ints(shape):
    return np.arange(math.prod(shape)).reshape(shape) % 97


CASES = [
    [each(op, FLOATS, X, Y) for op in (*ARITHMETIC, "RealDiv", "Div", "SquaredDifference")],
    [each(op, ADDED, SMALL_X, SMALL_Y) for op in ("AddV2", "Sub", "Mul")],
    [each(op, ("int32", "int64", "uint8", "int16"), SMALL_X, SMALL_Y) for op in ("Maximum", "Minimum", "FloorDiv")],
    [each(op, ("int32", "int64"), [7, -7, 7, -7, 0], [2, 2, -2, -2, 3]) for op in ("FloorDiv", "FloorMod", "Div")],
    [
        each(op, ("int32", "int64"), [7, -7, 7, -7, 0], [2, 2, -2, -2, 3])
        for op in ("TruncateDiv", "TruncateMod", "Mod")
    ],
    [each(op, ("float32", "float64"), X, Y) for op in ("FloorDiv", "FloorMod", "Mod", "Atan2")],
    [each(op, ("float32", "float64"), X, [2.0, 0.0, -1.5, 0.0, 1.0, 0.5]) for op in ("DivNoNan", "MulNoNan")],
    [each(op, ("float32", "float64"), [0.0, 1.0, 2.0, 3.0], [0.0, 2.0, 0.5, 4.0]) for op in ("Xdivy", "Xlogy")],
    each("Pow", FLOATS, [1.5, 2.0, 0.5, 3.0, 10.0], [2.0, -1.0, 0.5, 3.0, 0.0]),
    each("Pow", ("int32", "int64"), [2, 3, -2, 7, 0], [10, 4, 3, 0, 0]),
    Case("Pow", of("int32", [2]), of("int32", [-1]), name="negative exponent"),
    [Case(op, x, y, name=name) for op in ("AddV2", "Mul", "Maximum", "SquaredDifference") for name, x, y in SHAPES],
    Case("Maximum", vec(1.0, 2.0, 3.0), vec(1.0, 3.0, 2.0), name="equal elements"),
    Case("Minimum", vec(1.0, 2.0, 3.0), vec(1.0, 3.0, 2.0), name="equal elements"),
    Case("Sub", ramp(2, 3), ramp(2, 1), name="broadcast"),
    [Case("Sub", of("int32", ints(x)), of("int32", ints(y)), name=name) for name, x, y in LARGE],
    Case("RealDiv", ramp(2, 3), ramp(2, 1, start=1.0), name="broadcast"),
    Case("Add", ramp(2, 3), ramp(3)),
    Case("Add", of("string", ["a", "b"]), of("string", "c"), name="strings"),
    Case("AddV2", ramp(2, 3), ramp(2), name="incompatible shapes"),
    Case("FloorDiv", of("int32", [1, 2]), of("int32", [1, 0]), name="division by zero"),
    Case("FloorMod", of("int64", [1]), of("int64", [0]), name="division by zero"),
]
