"""Reductions over segments."""

from make_op_cases import Case, of, ramp

GRADIENTS = [f"SparseSegment{kind}Grad" for kind in ("Sum", "Mean", "SqrtN")]
COMPACT = [f"{op}V2" for op in GRADIENTS]

CASES = [
    [Case(op, ramp(5, 2), [0, 0, 1, 3, 3]) for op in ("SegmentSum", "SegmentMean")],
    [Case(op, ramp(5, 2), [0, 0, 1, 3, 3], gradients=False) for op in ("SegmentMax", "SegmentMin", "SegmentProd")],
    Case("SegmentSum", ramp(3), of("int64", [1, 1, 4]), name="leading gap"),
    Case("SegmentSum", ramp(3), [1, 0, 1], name="not sorted"),
    Case("SegmentSum", ramp(3), [0, 1], name="wrong size"),
    [
        Case(op, ramp(4, 3), [3, 0, 0, 2], [0, 0, 1, 3])
        for op in ("SparseSegmentSum", "SparseSegmentMean", "SparseSegmentSqrtN")
    ],
    [
        Case(op, ramp(4, 3), of("int64", [3, 0, 1]), [0, 0, 2], 5)
        for op in (
            "SparseSegmentSumWithNumSegments",
            "SparseSegmentMeanWithNumSegments",
            "SparseSegmentSqrtNWithNumSegments",
        )
    ],
    Case("SparseSegmentSum", ramp(4, 3), [4], [0], name="index out of range"),
    [
        Case(op, ramp(4, 3), [3, 0, 0, 2], [0, 0, 1, 3], sparse_gradient=True, name="sparse gradient")
        for op in ("SparseSegmentSum", "SparseSegmentMean", "SparseSegmentSqrtN")
    ],
    Case("SparseSegmentSum", ramp(4, 3), [3, 0], [0], name="other number of segments"),
    Case("SparseSegmentSumWithNumSegments", ramp(4, 3), [3, 0], [0, 1], -1, name="negative number of segments"),
    [Case(op, ramp(3, 2), [1, 0, 3, 1], [0, 0, 1, 2], 5, gradients=False) for op in GRADIENTS + COMPACT],
    [
        Case(
            op,
            ramp(3, dtype="float64"),
            of("int64", [4, 4, 1]),
            of("int64", [2, 0, 0]),
            5,
            name="vector, not in order",
            gradients=False,
        )
        for op in GRADIENTS + COMPACT
    ],
    [Case(op, ramp(3, 2), of("int32", []), of("int32", []), 5, name="nothing", gradients=False) for op in COMPACT],
    [Case(op, ramp(3, 2), [1, 0, 9], [0, 0, 1], 5, name="index out of range") for op in GRADIENTS + COMPACT],
    [Case(op, ramp(3, 2), [1, -1, 2], [0, 0, 1], 5, name="negative index") for op in GRADIENTS + COMPACT],
    [Case(op, ramp(3, 2), [1, 0, 3], [0, 0, 5], 5, name="segment out of range") for op in GRADIENTS + COMPACT],
    [Case(op, ramp(3, 2), [1, 0, 3], [-1, 0, 1], 5, name="negative segment") for op in GRADIENTS + COMPACT],
    [Case(op, ramp(3, 2), [1, 0, 3], [0, 0, 1, 2], 5, name="other number of segments") for op in GRADIENTS + COMPACT],
    [Case(op, ramp(3, 2), [1], [0], -1, name="negative number of rows") for op in GRADIENTS],
    [Case(op, 1.0, [0], [0], 5, name="scalar") for op in GRADIENTS],
    Case("UnsortedSegmentSum", ramp(4, 2), [0, 2, 0, 1], 4),
    Case("UnsortedSegmentSum", ramp(4), [0, -1, 0, 1], 2, name="dropped"),
    Case("UnsortedSegmentSum", ramp(2, 3), [[0, 1, 0], [1, 2, 2]], 3, name="matrix of segments"),
    Case("UnsortedSegmentSum", ramp(2), [0, 5], 2, name="out of range"),
    Case("UnsortedSegmentMax", ramp(4, 2), [0, 1, 0, 1], 2, gradients=False),
    Case("UnsortedSegmentMin", ramp(4, 2), [0, 1, 0, 1], 2, gradients=False),
    Case("UnsortedSegmentProd", ramp(4, 2), [0, 1, 0, 1], 2, gradients=False),
]
