"""Softmax and the losses built on it."""

from make_op_cases import Case, each, of, ramp

HALVES = ("float16", "bfloat16")
ONE_HOT = of("float32", [[1, 0, 0], [0.25, 0.25, 0.5]])

CASES = [
    [Case(op, ramp(2, 5), name="matrix") for op in ("Softmax", "LogSoftmax")],
    [Case(op, ramp(2, 3, 40, step=0.0625), name="three axes") for op in ("Softmax", "LogSoftmax")],
    [Case(op, ramp(2, 5, dtype="float64"), name="float64") for op in ("Softmax", "LogSoftmax")],
    [Case(op, of("float32", [[1000.0, -1000.0, 999.0]]), name="extremes") for op in ("Softmax", "LogSoftmax")],
    [Case(op, ramp(2, 5, dtype=d), name=d) for op in ("Softmax", "LogSoftmax") for d in HALVES],
    Case("SoftmaxCrossEntropyWithLogits", ramp(2, 3), ONE_HOT),
    each("SoftmaxCrossEntropyWithLogits", ("float64", *HALVES), ramp(2, 3), ONE_HOT),
    Case("SoftmaxCrossEntropyWithLogits", ramp(2, 3), ramp(2, 1, start=0.5), name="one label a row", gradients=False),
    Case("SoftmaxCrossEntropyWithLogits", ramp(2, 1), ONE_HOT, name="one logit a row", gradients=False),
    Case("SoftmaxCrossEntropyWithLogits", ramp(1, 3), ONE_HOT, name="broadcast logits", gradients=False),
    Case("SoftmaxCrossEntropyWithLogits", ramp(2, 3), 0.5, name="scalar label", gradients=False),
    Case("SoftmaxCrossEntropyWithLogits", ramp(3), ramp(3), name="vectors"),
    Case("SoftmaxCrossEntropyWithLogits", ramp(0, 3), ramp(0, 3), name="no rows"),
    Case("SoftmaxCrossEntropyWithLogits", ramp(2, 0), ramp(2, 0), name="no classes"),
    [Case("SparseSoftmaxCrossEntropyWithLogits", ramp(2, 3, dtype=d), of("int64", [2, 0]), name=d) for d in HALVES],
    Case(
        "SoftmaxCrossEntropyWithLogits",
        ramp(2, 3),
        ramp(1, 3, start=0.0, step=0.5),
        name="broadcast labels",
        gradients=False,
    ),
    Case("SoftmaxCrossEntropyWithLogits", ramp(2, 3), ramp(2, 4), name="wrong shapes"),
    Case("SparseSoftmaxCrossEntropyWithLogits", ramp(2, 3), of("int32", [2, 0])),
    Case("SparseSoftmaxCrossEntropyWithLogits", ramp(2, 3, dtype="float64"), of("int64", [1, 1]), name="float64"),
    Case("SparseSoftmaxCrossEntropyWithLogits", ramp(2, 3), of("int32", [2, 3]), name="label out of range"),
    Case("SparseSoftmaxCrossEntropyWithLogits", ramp(2, 3), of("int32", [2]), name="wrong number"),
    Case("InTopK", of("float32", [[1, 2, 3], [3, 2, 1], [2, 2, 2]]), of("int32", [1, 1, 0]), k=1),
    Case("InTopK", of("float32", [[1, 2, 3], [3, float("inf"), 1]]), of("int32", [7, 0]), k=2, name="unknown"),
    Case("InTopKV2", of("float32", [[1, 2, 3], [3, 2, 1]]), of("int64", [1, 1]), of("int64", 2)),
]
