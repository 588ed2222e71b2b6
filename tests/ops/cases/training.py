"""Updates of variables by gradients, dense and sparse, reference and resource; three steps each."""

from make_op_cases import Case, Var, ramp, vec

GRAD = ramp(3, 2, start=-0.5, step=0.3125)
ROWS = ramp(2, 2, start=-0.5, step=0.3125)
INDICES = [2, 0]


def var(start: float = 1.0) -> Var:
    return Var(ramp(3, 2, start=start, step=0.125))


def accum(value: float = 0.1) -> Var:
    return Var(ramp(3, 2, start=value, step=0.0))


FTRL = (0.5, 0.01, 0.02, -0.5)

CASES = [
    [Case(f"{kind}ApplyGradientDescent", var(), 0.25, GRAD, runs=3) for kind in ("", "Resource")],
    [
        Case(f"{kind}ApplyMomentum", var(), accum(), 0.25, GRAD, 0.5, use_nesterov=n, runs=3, name=f"nesterov {n}")
        for kind in ("", "Resource")
        for n in (False, True)
    ],
    [
        Case(
            f"{kind}SparseApplyMomentum",
            var(),
            accum(),
            0.25,
            ROWS,
            INDICES,
            0.5,
            use_nesterov=n,
            runs=3,
            name=f"nesterov {n}",
        )
        for kind in ("", "Resource")
        for n in (False, True)
    ],
    [
        Case(f"{kind}ApplyAdagrad", var(), accum(), 0.25, GRAD, update_slots=u, runs=3, name=f"slots {u}")
        for kind in ("", "Resource")
        for u in (True, False)
    ],
    [Case(f"{kind}SparseApplyAdagrad", var(), accum(), 0.25, ROWS, INDICES, runs=3) for kind in ("", "Resource")],
    Case("ResourceApplyAdagradV2", var(), accum(), 0.25, 0.001, GRAD, runs=3),
    [
        Case(
            f"{kind}ApplyAdam",
            var(),
            accum(0.0),
            accum(0.0),
            0.9,
            0.999,
            0.01,
            0.9,
            0.999,
            1e-4,
            GRAD,
            use_nesterov=n,
            runs=3,
            name=f"nesterov {n}",
        )
        for kind in ("", "Resource")
        for n in (False, True)
    ],
    [Case(f"{kind}ApplyFtrl", var(), accum(), accum(0.0), GRAD, *FTRL, runs=3) for kind in ("", "Resource")],
    [Case("SparseApplyFtrl", var(), accum(), accum(0.0), ROWS, INDICES, *FTRL, runs=3)],
    [Case("ResourceSparseApplyFtrl", var(), accum(), accum(0.0), ROWS, INDICES, *FTRL, runs=3)],
    Case("ApplyFtrlV2", var(), accum(), accum(0.0), GRAD, 0.5, 0.01, 0.02, 0.1, -0.5, runs=3),
    Case("SparseApplyFtrlV2", var(), accum(), accum(0.0), ROWS, INDICES, 0.5, 0.01, 0.02, 0.1, -0.5, runs=3),
    Case("ApplyFtrl", var(), accum(), accum(0.0), GRAD, 0.5, 0.01, 0.02, -0.75, runs=3, name="other power"),
    [
        Case(f"{kind}ApplyRMSProp", var(), accum(), accum(0.0), 0.25, 0.9, 0.5, 1e-4, GRAD, runs=3)
        for kind in ("", "Resource")
    ],
    Case("SparseApplyRMSProp", var(), accum(), accum(0.0), 0.25, 0.9, 0.5, 1e-4, ROWS, INDICES, runs=3),
    Case("ApplyAdagrad", var(), accum(), 0.25, vec(1.0, 2.0), name="wrong shape"),
    Case("SparseApplyAdagrad", var(), accum(), 0.25, ROWS, [0, 3], name="index out of range"),
]
