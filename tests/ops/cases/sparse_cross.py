"""Crosses of features."""

import numpy as np
import tensorflow as tf
from make_op_cases import Case, of

INDICES = of("int64", [[0, 0], [1, 0], [1, 1]])
SHAPE = of("int64", [2, 2])
WORDS = of("string", ["a", "bc", "d"])
NUMBERS = of("int64", [5, -6, 7])
DENSE_WORDS = of("string", [["x", ""], ["y", "z"]])
DENSE_NUMBERS = of("int64", [[1, 2], [3, -4]])
KEY = 0xDECAFCAFFE


def cross(values, dense, internal, hashed=True, buckets=100, indices=INDICES, shape=SHAPE, **kwargs):
    sparse = values is not None
    return Case(
        "SparseCross", [indices] if sparse else [], [values] if sparse else [], [shape] if sparse else [], dense,
        hashed_output=hashed, num_buckets=buckets, hash_key=KEY, out_type=tf.int64 if hashed else tf.string,
        internal_type=internal, **kwargs,
    )  # fmt: skip


def joined(values, dense, separator="-", indices=INDICES, shape=SHAPE, **kwargs):
    return Case("SparseCrossV2", [indices], [values], [shape], dense, of("string", separator), **kwargs)


def hashed(values, dense, buckets=0, strong=False, salt=(1, 2), **kwargs):
    return Case(
        "SparseCrossHashed", [INDICES], [values], [SHAPE], dense, of("int64", buckets), of("bool", strong),
        of("int64", salt), **kwargs,
    )  # fmt: skip


CASES = [
    cross(WORDS, [DENSE_NUMBERS], tf.int64),
    cross(WORDS, [DENSE_WORDS], tf.string, name="words"),
    cross(WORDS, [DENSE_WORDS], tf.int64, name="words declared as numbers"),
    cross(NUMBERS, [DENSE_WORDS, DENSE_NUMBERS], tf.int64, buckets=0, name="any number of buckets"),
    cross(None, [DENSE_NUMBERS, DENSE_NUMBERS], tf.int64, name="dense"),
    cross(WORDS, [DENSE_WORDS], tf.string, hashed=False, name="text"),
    cross(NUMBERS, [DENSE_WORDS], tf.int64, hashed=False, name="numbers as text"),
    cross(NUMBERS, [], tf.string, name="numbers declared as words"),
    cross(None, [DENSE_NUMBERS], tf.string, name="dense numbers declared as words"),
    cross(None, [], tf.string, name="nothing"),
    cross(WORDS, [of("string", [["x"]])], tf.string, name="other number of records"),
    cross(WORDS, [of("string", ["x", "y"])], tf.string, name="dense vector"),
    cross(WORDS, [], tf.string, indices=of("int64", [[0], [1], [1]]), name="vectors of indices"),
    cross(WORDS, [], tf.string, shape=of("int64", [2, 2, 2]), name="shape of three axes"),
    cross(WORDS, [], tf.string, indices=of("int64", [[0, 0]]), name="too many values"),
    joined(WORDS, [DENSE_NUMBERS]),
    joined(NUMBERS, [DENSE_WORDS], "", name="without separator"),
    joined(of("string", []), [], indices=np.zeros((0, 2), np.int64), name="no features"),
    joined(WORDS, [DENSE_WORDS], ["-"], name="vector of separators"),
    hashed(WORDS, [DENSE_NUMBERS]),
    hashed(WORDS, [DENSE_WORDS], 10, salt=(3, 4), name="buckets"),
    hashed(WORDS, [DENSE_WORDS], strong=True, name="strong"),
    hashed(NUMBERS, [DENSE_WORDS], 1000, strong=True, salt=(-5, 137), name="strong, of numbers"),
    hashed(WORDS, [DENSE_WORDS], salt=(1, 2, 3), name="long salt"),
]
