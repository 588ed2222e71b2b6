"""Comparisons and logic."""

from make_op_cases import REAL, Case, each, of, ramp, vec

X = [1, 2, 3, 4, 5]
Y = [1, 3, 2, 4, 0]
NAN = float("nan")

CASES = [
    [each(op, REAL, X, Y) for op in ("Less", "LessEqual", "Greater", "GreaterEqual", "Equal", "NotEqual")],
    [Case(op, vec(1.0, NAN, NAN), vec(NAN, 1.0, NAN), name="nan") for op in ("Less", "Equal", "NotEqual")],
    [Case(op, ramp(2, 3), ramp(3), name="broadcast") for op in ("Less", "Equal")],
    [
        Case(op, of("string", ["a", "b", "c"]), of("string", ["a", "c", "c"]), name="strings")
        for op in ("Equal", "NotEqual")
    ],
    [
        Case(op, of("bool", [1, 0, 1, 0]), of("bool", [1, 1, 0, 0]))
        for op in ("LogicalAnd", "LogicalOr", "Equal", "NotEqual")
    ],
    Case("Equal", of("string", ["a", "b"]), of("string", "b"), name="scalar string"),
    Case("LogicalNot", of("bool", [1, 0])),
    Case("LogicalAnd", of("bool", [[1], [0]]), of("bool", [1, 0, 1]), name="broadcast"),
    Case("ApproximateEqual", vec(1.0, 2.0), vec(1.005, 2.5), tolerance=0.01),
    Case("Less", ramp(2), ramp(3), name="incompatible shapes"),
]
