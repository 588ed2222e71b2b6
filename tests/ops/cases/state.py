"""Variables: assignment, scattering, reading."""

import tensorflow as tf
from make_op_cases import Case, Var, of, ramp, vec


def var() -> Var:
    return Var(ramp(4, 2))


ROWS = ramp(3, 2, start=5.0)
INDICES = [2, 0, 2]

CASES = [
    Case("Assign", var(), ramp(4, 2, start=9.0)),
    Case("Assign", var(), ramp(2, 2, start=9.0), name="wrong shape"),
    [Case(op, var(), ramp(4, 2, start=2.0), runs=2) for op in ("AssignAdd", "AssignSub")],
    Case("AssignAdd", Var(of("int64", 5)), of("int64", 1), runs=3, name="counter"),
    Case("AssignVariableOp", var(), ramp(4, 2, start=9.0)),
    [Case(op, var(), ramp(4, 2, start=2.0), runs=2) for op in ("AssignAddVariableOp", "AssignSubVariableOp")],
    [Case(op, var(), INDICES, ROWS, runs=2) for op in ("ScatterAdd", "ScatterSub", "ScatterUpdate")],
    [Case(f"Resource{op}", var(), INDICES, ROWS, runs=2) for op in ("ScatterAdd", "ScatterSub", "ScatterUpdate")],
    Case("ScatterAdd", var(), [4], ramp(1, 2), name="out of range"),
    [
        Case(f"{kind}Scatter{how}", var(), INDICES, ROWS, runs=2)
        for kind in ("", "Resource")
        for how in ("Mul", "Div", "Min", "Max")
    ],
    [
        Case(f"{kind}ScatterNd{how}", var(), [[3, 1], [0, 0], [3, 1]], vec(1.0, 2.0, 3.0), runs=2, name="elements")
        for kind in ("", "Resource")
        for how in ("Update", "Add", "Sub")
    ],
    Case("ScatterNdAdd", var(), [[2], [0]], ramp(2, 2), name="rows"),
    Case("ScatterNdAdd", var(), [[4]], ramp(1, 2), name="out of range"),
    Case("ScatterNdAdd", var(), [[2]], ramp(2, 2), name="too many updates"),
    Case("CountUpTo", Var(of("int64", 3)), limit=5, runs=2),
    Case("CountUpTo", Var(of("int32", 5)), limit=5, name="at the limit"),
    Case("ResourceCountUpTo", Var(of("int32", 0)), limit=5, T=tf.int32),
    Case("ResourceGather", var(), [[1, 3], [0, 0]], dtype=tf.float32),
    Case("ReadVariableOp", Var(vec(1.0, 2.0)), dtype=tf.float32),
    Case("VariableShape", var()),
    Case("DisableCopyOnRead", var()),
]
