"""Sources, pass-through, shapes, filling, element types."""

import tensorflow as tf
from make_op_cases import FLOATS, REAL, Case, of, ramp, vec

NUMBERS = [0.0, 1.0, -1.0, 2.75, -2.75, 100.0]

CASES = [
    Case("Identity", ramp(2, 3)),
    Case("Identity", of("string", ["a", "b"]), name="strings"),
    Case("IdentityN", [ramp(2), of("int32", [1, 2])]),
    Case("StopGradient", ramp(2)),
    Case("CheckNumerics", ramp(3), message="m"),
    Case("CheckNumerics", vec(1.0, float("nan")), message="m", name="nan"),
    Case("CheckNumerics", vec(1.0, float("inf")), message="m", name="inf"),
    Case("Shape", ramp(2, 3)),
    Case("Shape", ramp(2, 0, 3), out_type=tf.int64, name="int64"),
    Case("ShapeN", [ramp(2, 3), ramp(4)]),
    Case("Size", ramp(2, 3)),
    Case("Rank", ramp(2, 3)),
    Case("Reshape", ramp(2, 6), [3, 4]),
    Case("Reshape", ramp(2, 6), [-1, 2], name="one unknown"),
    Case("Reshape", ramp(0, 6), of("int64", [0, 3, 2]), name="empty"),
    Case("Reshape", ramp(1), of("int32", []), name="to scalar"),
    Case("Reshape", ramp(2, 6), [5, 2], name="wrong size"),
    Case("Reshape", ramp(2, 6), [5, -1], name="not divisible"),
    Case("Reshape", ramp(2, 6), [-1, -1], name="two unknown"),
    [Case("ExpandDims", ramp(2, 3), axis, name=str(axis)) for axis in (0, 1, 2, -1, -3)],
    Case("ExpandDims", ramp(2, 3), 4, name="out of range"),
    Case("Squeeze", ramp(1, 3, 1)),
    Case("Squeeze", ramp(1, 3, 1), axis=[-1], name="last"),
    Case("Squeeze", ramp(1, 3, 1), axis=[1], name="not one"),
    Case("BroadcastTo", ramp(3), [2, 3]),
    Case("BroadcastTo", ramp(2, 1), [4, 2, 3], name="new axis"),
    Case("BroadcastTo", ramp(3), [2, 4], name="impossible"),
    Case("BroadcastGradientArgs", [2, 3, 1], [3, 4]),
    Case("BroadcastGradientArgs", [2, 3], [2, 3], name="same"),
    Case("BroadcastArgs", [2, 3, 1], [3, 4]),
    Case("Fill", [2, 3], 1.5),
    Case("Fill", of("int64", [2]), of("string", "x"), name="strings"),
    Case("Fill", [2, -3], 1.5, name="negative size"),
    [Case("ZerosLike", of(d, [1, 2, 3]), name=d) for d in (*REAL, "bool")],
    [Case("OnesLike", of(d, [1, 2, 3]), name=d) for d in (*REAL, "bool")],
    Case("Range", 0, 10, 3),
    Case("Range", 10, 0, -4, name="downwards"),
    Case("Range", of("float32", 0.0), of("float32", 1.0), of("float32", 0.25), name="float"),
    Case("Range", of("int64", 5), of("int64", 5), of("int64", 1), name="empty"),
    Case("Range", 0, 10, 0, name="no step"),
    Case("Range", 0, 10, -1, name="wrong direction"),
    Case("LinSpace", 0.0, 1.0, 5),
    Case("LinSpace", of("float64", -1.0), of("float64", 2.0), 4, name="float64"),
    [
        Case(
            "Cast",
            of(a, [abs(n) for n in NUMBERS] if a.startswith("u") or b.startswith("u") else NUMBERS),
            DstT=tf.as_dtype(b),
            name=f"{a} to {b}",
        )
        for a in (*FLOATS, "int8", "int32", "int64", "uint8", "uint64", "bool")
        for b in ("float32", "float64", "float16", "bfloat16", "int32", "int64", "uint8", "bool")
    ],
    Case("Bitcast", vec(1.0, 2.0, -3.5), type=tf.int32),
    Case("Bitcast", vec(1.0, 2.0), type=tf.uint8, name="smaller"),
    Case("Bitcast", of("int32", [[1, 2], [3, 4]]), type=tf.int64, name="larger"),
    Case("PlaceholderWithDefault", ramp(2), shape=[2]),
    Case("Reshape", ramp(0, 3), [0, -1], name="an empty batch keeps its width"),
    Case("Reshape", ramp(0, 3), [-1, 3], name="no rows"),
    Case("Reshape", ramp(0, 3), [0, 2, -1], name="an empty batch with a factor that does not divide"),
    Case("Reshape", ramp(2, 3), [0, -1], name="a full batch as an empty one"),
    Case("EnsureShape", ramp(2, 3), shape=[2, 3]),
    Case("EnsureShape", ramp(2, 3), shape=[2, 4], name="another size"),
]
