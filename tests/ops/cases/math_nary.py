"""Sums of many, clipping, norms."""

from make_op_cases import Case, of, ramp

CASES = [
    Case("AddN", [ramp(2, 3), ramp(2, 3, start=5.0), ramp(2, 3, start=-7.0)]),
    Case("AddN", [ramp(2, 3)], name="one"),
    Case("AddN", [of("int32", [1, 2]), of("int32", [3, 4])], name="int32"),
    Case("AddN", [ramp(2), ramp(3)], name="wrong shapes"),
    Case("AccumulateNV2", [ramp(2), ramp(2, start=5.0)], shape=[2]),
    Case("ClipByValue", ramp(2, 5), -0.5, 0.75),
    Case("ClipByValue", of("int32", [1, 5, 9]), 2, 6, name="int32"),
    Case("L2Loss", ramp(2, 5)),
    Case("L2Loss", ramp(2, 5, dtype="float64"), name="float64"),
]
