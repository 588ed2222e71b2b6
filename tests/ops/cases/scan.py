"""Cumulative sums and products, positions of extremes, the largest k."""

import tensorflow as tf
from make_op_cases import Case, of, ramp, vec

CASES = [
    [
        Case(op, ramp(2, 4, start=0.5), axis, exclusive=e, reverse=r, name=f"axis {axis}, exclusive {e}, reverse {r}")
        for op in ("Cumsum", "Cumprod")
        for axis in (0, 1)
        for e in (False, True)
        for r in (False, True)
    ],
    Case("Cumsum", of("int32", [1, 2, 3]), 0, name="int32"),
    Case("Cumsum", ramp(2, 3, 20), 1, exclusive=True, reverse=True, name="middle axis, exclusive, reverse"),
    Case("Cumsum", ramp(3), 1, name="wrong axis"),
    Case("ArgMax", of("float32", [[1, 5, 2], [7, 0, 7]]), 1),
    Case("ArgMax", of("float32", [[1, 5, 2], [7, 0, 7]]), 0, output_type=tf.int32, name="columns"),
    Case("ArgMax", of("float32", [[1, 5, 2], [7, 0, 7]]), 1, output_type=tf.int16, name="positions of 16 bits"),
    Case("ArgMax", ramp(3, 70, 5), 1, name="middle axis"),
    Case("ArgMin", ramp(2, 200), 1, name="long rows"),
    Case("ArgMin", of("int32", [[1, 5, 2], [7, 0, 0]]), -1),
    Case("ArgMax", ramp(2, 3), 2, name="wrong axis"),
    Case("TopKV2", of("float32", [[1, 5, 2, 5], [7, 0, 7, 9]]), 2),
    Case("TopKV2", vec(3.0, 1.0, 2.0), 3, name="all"),
    Case("TopKV2", vec(3.0, 1.0, 2.0), 4, name="too many"),
]
