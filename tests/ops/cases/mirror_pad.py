"""MirrorPad and its gradient: both modes, ranks, dtypes, and paddings that can't be."""

from make_op_cases import Case, of, ramp

PADS = of("int32", [[1, 2], [2, 0]])

CASES = [
    [
        Case("MirrorPad", of(d, [[1, 2, 3], [4, 5, 6], [7, 8, 9]]), PADS, mode=mode, name=f"{mode} {d}")
        for mode in ("REFLECT", "SYMMETRIC")
        for d in ("float32", "float64", "int32", "int64")
    ],
    Case("MirrorPad", of("int32", [1, 2, 3]), of("int64", [[2, 1]]), mode="REFLECT", name="int64 paddings"),
    Case("MirrorPad", of("int32", [1, 2, 3]), of("int32", [[3, 3]]), mode="SYMMETRIC", name="as much as there is"),
    Case("MirrorPad", of("int32", [1, 2, 3]), of("int32", [[3, 0]]), mode="REFLECT", name="more than there is"),
    Case("MirrorPad", of("int32", [1, 2, 3]), of("int32", [[0, 4]]), mode="SYMMETRIC", name="more than there is, too"),
    Case("MirrorPad", of("int32", [1, 2, 3]), of("int32", [[-1, 0]]), mode="REFLECT", name="negative"),
    Case("MirrorPad", of("int32", [1, 2, 3]), of("int32", [[1, 0], [0, 0]]), mode="REFLECT", name="another rank"),
    Case("MirrorPad", ramp(2, 3, 4), of("int32", [[1, 0], [1, 1], [2, 3]]), mode="REFLECT", name="rank 3"),
    Case("MirrorPadGrad", ramp(5, 5), of("int32", [[1, 1], [2, 1]]), mode="REFLECT"),
    Case("MirrorPadGrad", ramp(7), of("int32", [[2, 2]]), mode="SYMMETRIC", name="symmetric"),
]
