"""Slice and StridedSlice."""

from make_op_cases import Case, of, ramp


def strided(name, x, begin, end, strides, **masks):
    return Case("StridedSlice", x, begin, end, strides, name=name, **masks)


X = ramp(3, 4, 5)

CASES = [
    Case("Slice", ramp(3, 4), [1, 0], [2, 3]),
    Case("Slice", ramp(3, 4), [0, 1], [-1, -1], name="to the end"),
    Case("Slice", ramp(3, 4), [0, 0], [3, 4], name="all"),
    Case("Slice", of("string", ["a", "b", "c"]), of("int64", [1]), of("int64", [1]), name="strings"),
    Case("Slice", ramp(3, 4), [1, 0], [3, 3], name="too long"),
    Case("Slice", ramp(3, 4), [1], [3], name="wrong rank"),
    strided("row", X, [1], [2], [1], shrink_axis_mask=1),
    strided("element", X, [1, 2, 3], [2, 3, 4], [1, 1, 1], shrink_axis_mask=7),
    strided("range", X, [0, 1], [2, 3], [1, 1]),
    strided("steps", X, [0, 0, 0], [3, 4, 5], [2, 3, 2]),
    strided("backwards", X, [0, 0], [0, 0], [-1, -1], begin_mask=3, end_mask=3),
    strided("negative indices", X, [-2, -3], [-1, -1], [1, 1]),
    strided("open ends", X, [1, 0], [0, 2], [1, 1], begin_mask=2, end_mask=1),
    strided("ellipsis", X, [0, 1], [0, 3], [1, 1], ellipsis_mask=1),
    strided("new axes", X, [0, 1, 0], [0, 2, 0], [1, 1, 1], new_axis_mask=5),
    strided(
        "ellipsis and new axis",
        X,
        [1, 0, 0, 2],
        [2, 0, 0, 3],
        [1, 1, 1, 1],
        shrink_axis_mask=9,
        ellipsis_mask=2,
        new_axis_mask=4,
    ),
    strided("negative shrink", ramp(5), [-1], [0], [1], shrink_axis_mask=1),
    strided("clamped", ramp(5), [2], [100], [1]),
    strided("nothing", ramp(5), [4], [1], [1]),
    strided("out of bounds", ramp(5), [7], [8], [1], shrink_axis_mask=1),
    strided("step zero", ramp(5), [0], [5], [0]),
    Case("StridedSliceGrad", [5], [1], [5], [2], ramp(2)),
]
