"""Matrix products."""

from make_op_cases import Case, of, ramp

CASES = [
    [
        Case(
            "MatMul",
            ramp(4, 3) if ta else ramp(3, 4),
            ramp(5, 4) if tb else ramp(4, 5),
            transpose_a=ta,
            transpose_b=tb,
            name=f"{ta} {tb}",
        )
        for ta in (False, True)
        for tb in (False, True)
    ],
    [Case("MatMul", ramp(2, 3, dtype=d), ramp(3, 2, dtype=d), name=d) for d in ("float64", "float16", "bfloat16")],
    [Case("MatMul", of(d, [[1, 2], [3, 4]]), of(d, [[5, 6], [7, 8]]), name=d) for d in ("int32", "int64")],
    Case("MatMul", ramp(65, 33, step=0.0078125), ramp(33, 17, step=0.0078125), name="larger"),
    Case("MatMul", ramp(0, 3), ramp(3, 2), name="no rows"),
    Case("MatMul", ramp(2, 0), ramp(0, 3), name="no inner", gradients=False),
    Case("MatMul", ramp(2, 3), ramp(2, 3), name="wrong sizes"),
    Case("MatMul", ramp(2), ramp(2, 3), name="wrong rank"),
    [
        Case(
            "BatchMatMulV2",
            ramp(2, 4, 3) if ta else ramp(2, 3, 4),
            ramp(2, 5, 4) if tb else ramp(2, 4, 5),
            adj_x=ta,
            adj_y=tb,
            name=f"{ta} {tb}",
        )
        for ta in (False, True)
        for tb in (False, True)
    ],
    Case("BatchMatMulV2", ramp(2, 1, 2, 3), ramp(3, 3, 2), name="broadcast"),
    Case("BatchMatMul", ramp(2, 2, 3), ramp(2, 3, 2)),
    Case("BatchMatMulV2", ramp(2, 2, 3), ramp(2, 2, 2), name="wrong sizes"),
]
