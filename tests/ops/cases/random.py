"""Random numbers under given seeds: TensorFlow's, in the first run and in later ones."""

import tensorflow as tf
from make_op_cases import Case, of, ramp

SEEDS = [(1, 2), (87654321, 0), (0, 42), (-5, 9223372036854775807)]
OPS = ("RandomUniform", "RandomStandardNormal", "TruncatedNormal")

CASES = [
    [
        Case(op, [5, 3], seed=a, seed2=b, dtype=tf.float32, runs=3, name=f"seeds {a} {b}")
        for op in OPS
        for a, b in SEEDS
    ],
    [
        Case(op, [7], seed=3, seed2=4, dtype=tf.as_dtype(d), runs=2, name=d)
        for op in OPS
        for d in ("float64", "float16", "bfloat16")
    ],
    [Case(op, of("int64", [2, 0]), seed=3, seed2=4, dtype=tf.float32, name="empty") for op in OPS],
    [Case("RandomUniformInt", [9], of(d, -3), of(d, 100), seed=3, seed2=4, runs=3, name=d) for d in ("int32", "int64")],
    Case("RandomUniformInt", [9], 5, 5, seed=3, seed2=4, name="empty range"),
    Case("RandomShuffle", of("int32", list(range(11))), seed=3, seed2=4, runs=3),
    Case("RandomShuffle", ramp(5, 2), seed=7, seed2=8, runs=2, name="rows"),
    Case("Multinomial", of("float32", [[0.0, 1.0, 2.0]]), 12, seed=3, seed2=4, runs=2),
    Case("RandomUniform", [-1], seed=1, seed2=2, dtype=tf.float32, name="negative size"),
]
