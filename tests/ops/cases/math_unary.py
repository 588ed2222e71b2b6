"""Elementwise functions of one tensor."""

from make_op_cases import FLOATS, REAL, SIGNED, Case, each, of, ramp, vec

ANY = [-3.0, -1.5, -0.5, 0.0, 0.25, 1.0, 2.5, 7.0]
POSITIVE = [0.125, 0.5, 1.0, 1.5, 2.0, 10.0, 100.0, 1000.0]
UNIT = [-0.875, -0.5, -0.25, 0.0, 0.125, 0.5, 0.75, 0.875]

CASES = [
    [each(op, SIGNED, [-3, -2, -1, 0, 1, 2, 3, 100]) for op in ("Neg", "Abs", "Sign")],
    each("Square", [d for d in REAL if d not in ("int8", "int16", "uint16")], [0, 1, 2, 3, 4, 5, 10, 15]),
    each("Round", [d for d in SIGNED if d not in ("int8", "int16")], [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.25, 9.75]),
    [each(op, FLOATS, ANY) for op in ("Exp", "Expm1", "Sin", "Cos", "Tan", "Atan", "Tanh", "Sigmoid", "Erf", "Erfc")],
    [each(op, FLOATS, ANY) for op in ("Floor", "Ceil", "Rint")],
    [each(op, ("float32", "float64"), ANY) for op in ("Sinh", "Cosh", "Asinh")],
    [each(op, FLOATS, POSITIVE) for op in ("Log", "Log1p", "Sqrt", "Rsqrt", "Reciprocal", "Inv")],
    each("Acosh", ("float32", "float64"), [1.5, 2.0, 3.0, 10.0]),
    [each(op, ("float32", "float64"), UNIT) for op in ("Asin", "Acos", "Atanh")],
    [each(op, ("float32", "float64"), UNIT, ANY) for op in ("TanhGrad", "SigmoidGrad")],
    [each(op, ("float32", "float64"), POSITIVE, ANY) for op in ("SqrtGrad", "RsqrtGrad", "ReciprocalGrad")],
    [
        Case(op, of(d, [0.0, 1.5, float("inf"), float("-inf"), float("nan")]), name=d)
        for op in ("IsNan", "IsInf", "IsFinite")
        for d in FLOATS
    ],
    # Long enough for whole vectors and a tail, in several dimensions.
    [Case(op, ramp(3, 7, 5, start=-6.0, step=0.125), name="long") for op in ("Exp", "Tanh", "Sigmoid", "Sin")],
    Case("Log", vec(0.0, -1.0, float("inf"), float("nan"), 1e-37), name="special", gradients=False),
    Case("Exp", vec(-1000.0, 88.0, 89.0, -87.0, float("-inf"), float("inf")), name="special", gradients=False),
    Case("Tanh", vec(-100.0, 100.0, 1e-6, -1e-6, 20.0), name="special"),
    Case("Sqrt", vec(0.0, -1.0, float("inf")), name="special", gradients=False),
    Case("Neg", ramp(0, 3), name="empty"),
    Case("Exp", 0.5, name="scalar"),
]
