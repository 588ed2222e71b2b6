"""Reductions over axes."""

from make_op_cases import FLOATS, Case, of, ramp

X = ramp(2, 3, 4)
AXES = [([0], False), ([1], False), ([2], True), ([0, 2], False), ([-1], False), ([0, 1, 2], True), ([], False)]

CASES = [
    [
        Case(op, X, of("int32", axes), keep_dims=keep, name=f"axes {axes}{' kept' if keep else ''}")
        for op in ("Sum", "Mean", "Max", "Min")
        for axes, keep in AXES
    ],
    [
        Case("Prod", ramp(2, 3, start=1.0, step=0.5), of("int32", axes), name=f"axes {axes}")
        for axes in ([0], [1], [0, 1])
    ],
    Case("Prod", of("float32", [[1, 0, 3], [2, 4, 5], [0, 0, 6]]), of("int32", [1]), name="with zeros"),
    [Case(op, of(d, [[1, 2, 3], [4, 5, 6]]), 1, name=d) for op in ("Sum", "Mean", "Max") for d in FLOATS],
    [Case("Prod", of(d, [[1, 2, 3], [4, 5, 6]]), 1, name=d, gradients=False) for d in FLOATS],
    [
        Case(op, of(d, [[1, 2, 3], [4, 5, 6]]), of("int64", [0]), name=d)
        for op in ("Sum", "Max", "Min", "Prod")
        for d in ("int32", "int64", "uint8", "int16")
    ],
    Case("Sum", ramp(64, 33, step=0.0625), 0, name="tall"),
    Case("Sum", ramp(4, 1000, step=0.0078125), 1, name="wide"),
    Case("Mean", ramp(0, 3), 0, name="empty", gradients=False),
    Case("Sum", ramp(0, 3), 0, name="empty"),
    Case("Max", of("float32", [[1, 5, 5], [2, 2, 2]]), 1, name="ties"),
    Case("Sum", of("float32", 3.0), of("int32", []), name="scalar"),
    Case("Sum", X, 3, name="wrong axis"),
    [Case(op, of("bool", [[1, 0, 1], [1, 1, 1]]), 1) for op in ("All", "Any")],
    [
        Case(op, of("bool", [[1, 0, 1], [0, 0, 0]]), of("int32", [0, 1]), keep_dims=True, name="kept")
        for op in ("All", "Any")
    ],
]
