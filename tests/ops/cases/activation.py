"""Activations."""

from make_op_cases import FLOATS, Case, each, of, ramp

ANY = [-8.0, -3.0, -1.5, -0.5, 0.0, 0.25, 1.0, 2.5, 6.0, 7.0]
DY = [1.0, -1.0, 0.5, 2.0, -0.25, 1.0, 1.0, 3.0, -2.0, 1.0]

CASES = [
    [each(op, FLOATS, ANY) for op in ("Relu", "Relu6", "Elu", "Selu", "Softplus", "Softsign")],
    [each(op, ("int32", "int64", "uint8"), [0, 1, 2, 9]) for op in ("Relu", "Relu6")],
    [
        each(op, ("float32", "float64"), DY, ANY)
        for op in ("ReluGrad", "Relu6Grad", "EluGrad", "SeluGrad", "SoftplusGrad")
    ],
    each("SoftsignGrad", ("float32", "float64"), DY, ANY, gradients=False),
    each("LeakyRelu", ("float32", "float64"), ANY, alpha=0.125),
    each("LeakyReluGrad", ("float32", "float64"), DY, ANY, alpha=0.125, gradients=False),
    Case("Relu", of("float32", [float("nan"), -1.0, float("inf")]), name="nan", gradients=False),
    Case("Softplus", of("float32", [-200.0, -50.0, 50.0, 200.0]), name="extremes"),
    Case("Relu", ramp(7, 19, start=-5.0), name="long"),
]
