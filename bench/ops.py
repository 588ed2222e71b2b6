"""Times single ops under an interpreter that provides `import tensorflow` (1.x API), in nanoseconds an element.

usage: python ops.py [NAME...]
Prints one line each: NAME nanoseconds ns. tools/bench.py --ops runs it under two interpreters in turn. An op runs as a
session's target, so that its result is computed and not copied out; its operands are variables of a million elements,
unless the name says otherwise, so that nothing is folded before the run.
"""

from __future__ import annotations

import functools
import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np
import tensorflow as tf

v1 = tf.compat.v1
N = 1 << 20
random = np.random.RandomState(0)
VALUES = (random.rand(N) * 0.9 + 0.05).astype(np.float32)

UNARY = """exp log log1p expm1 tanh sigmoid sin cos tan asin acos atan sinh cosh asinh acosh atanh erf erfc sqrt rsqrt
square reciprocal floor round rint sign abs""".split()
ACTIVATIONS = "relu relu6 elu selu softplus softsign leaky_relu".split()
BINARY = "add subtract multiply divide maximum minimum pow less equal floordiv squared_difference".split()
REDUCTIONS = "reduce_sum reduce_mean reduce_max reduce_min reduce_prod".split()


def variable(values: np.ndarray):
    return v1.get_variable(f"v{len(v1.global_variables())}", initializer=values)


def function(name: str):
    for module in (tf.nn, v1, tf.math, tf):
        if hasattr(module, name):
            return getattr(module, name)
    raise AttributeError(name)


def square(x):
    return tf.reshape(x, [1024, 1024])


def rows(x):
    return tf.reshape(x, [65536, 16])


def cases() -> dict[str, tuple]:
    """Each name's function from the variable of a million numbers to a tensor or an op."""
    chosen = random.randint(0, 65536, 65536)
    segments = random.randint(0, 1000, 65536)
    whole = (random.rand(N) * 1000).astype(np.int32)
    made: dict[str, tuple] = {}
    for name in UNARY + ACTIVATIONS:
        offset = 1.0 if name == "acosh" else 0.0
        made[name] = (lambda x, name=name: function(name)(x), offset)
    for name in "elu selu relu softplus tanh".split():
        made[name + "_of_both_signs"] = (lambda x, name=name: function(name)(x), -0.5)
    for name in BINARY:
        made[name] = (lambda x, name=name: function(name)(x, variable(VALUES[::-1].copy())), 0.0)
    for name in REDUCTIONS:
        made[name] = (lambda x, name=name: function(name)(x), 0.0)
        made[name + "_of_rows"] = (lambda x, name=name: function(name)(square(x), 1), 0.0)
        made[name + "_of_columns"] = (lambda x, name=name: function(name)(square(x), 0), 0.0)
    plain = {
        "copy": lambda x: tf.concat([x, x], 0),
        "softmax": lambda x: tf.nn.softmax(square(x)),
        "softmax_of_10": lambda x: tf.nn.softmax(tf.reshape(x[: N // 10 * 10], [-1, 10])),
        "log_softmax": lambda x: tf.nn.log_softmax(square(x)),
        "argmax": lambda x: tf.argmax(square(x), 1),
        "argmax_of_columns": lambda x: tf.argmax(square(x), 0),
        "cumsum": lambda x: tf.cumsum(square(x), 1),
        "cumsum_of_columns": lambda x: tf.cumsum(square(x), 0),
        "transpose": lambda x: tf.transpose(square(x)),
        "transpose_3d": lambda x: tf.transpose(tf.reshape(x, [64, 128, 128]), [0, 2, 1]),
        "transpose_channels": lambda x: tf.transpose(tf.reshape(x, [16, 64, 1024]), [0, 2, 1]),
        "concat": lambda x: tf.concat([x, x], 0),
        "concat_columns": lambda x: tf.concat([square(x), square(x)], 1),
        "gather": lambda x: tf.gather(rows(x), tf.constant(chosen)),
        "gather_scalars": lambda x: tf.gather(x, tf.constant(random.randint(0, N, N))),
        "boolean_mask": lambda x: v1.boolean_mask(x, x > 0.5),
        "where": lambda x: v1.where(x > 0.5, x, -x),
        "where_scalar": lambda x: v1.where_v2(x > 0.5, x, 0.0),
        "cast_to_double": lambda x: tf.cast(x, tf.float64),
        "cast_to_int": lambda x: tf.cast(x, tf.int32),
        "cast_to_bool": lambda x: tf.cast(x, tf.bool),
        "clip": lambda x: tf.clip_by_value(x, 0.25, 0.75),
        "add_row": lambda x: square(x) + variable(VALUES[:1024]),
        "add_column": lambda x: square(x) + variable(VALUES[:1024].reshape(1024, 1)),
        "add_scalar": lambda x: x + 1.0,
        "bias_add": lambda x: tf.nn.bias_add(rows(x), variable(VALUES[:16])),
        "int_divide": lambda x: variable(whole) // variable(whole[::-1] + 1),
        "int_mod": lambda x: variable(whole) % variable(whole[::-1] + 1),
        "top_k": lambda x: tf.nn.top_k(square(x), 10)[0],
        "one_hot": lambda x: tf.one_hot(variable(whole[:10000] % 100), 100),
        "unique": lambda x: tf.unique(variable(whole))[0],
        "unsorted_segment_sum": lambda x: tf.math.unsorted_segment_sum(rows(x), tf.constant(segments), 1000),
        "tile": lambda x: tf.tile(square(x), [2, 1]),
        "strided_slice": lambda x: square(x)[:, 1:1000:3] * 1.0,
        "slice": lambda x: square(x)[100:900, 100:900] * 1.0,
        "reverse": lambda x: tf.reverse(square(x), [1]),
        "pad": lambda x: tf.pad(square(x), [[1, 1], [2, 2]]),
        "random_uniform": lambda x: v1.random_uniform([N], seed=1),
        "random_normal": lambda x: v1.random_normal([N], seed=1),
        "truncated_normal": lambda x: v1.truncated_normal([N], seed=1),
        "random_uniform_int": lambda x: v1.random_uniform([N], 0, 1000, tf.int32, seed=1),
        "moments": lambda x: tf.nn.moments(tf.reshape(x, [16384, 64]), [0])[1],
        "l2_loss": lambda x: tf.nn.l2_loss(x),
        "add_n": lambda x: tf.add_n([x, variable(VALUES), variable(VALUES)]),
        "softmax_cross_entropy": lambda x: tf.nn.softmax_cross_entropy_with_logits(logits=square(x), labels=square(x)),
        "sparse_cross_entropy": lambda x: tf.nn.sparse_softmax_cross_entropy_with_logits(
            logits=square(x), labels=tf.constant(np.arange(1024))
        ),
        "adam": lambda x: v1.train.AdamOptimizer().apply_gradients([(tf.constant(VALUES), x)]),
        "adagrad": lambda x: v1.train.AdagradOptimizer(0.05).apply_gradients([(tf.constant(VALUES), x)]),
        "sgd": lambda x: v1.train.GradientDescentOptimizer(0.05).apply_gradients([(tf.constant(VALUES), x)]),
        "matmul": lambda x: tf.matmul(square(x)[:512, :512], square(x)[:512, :512]),
        "matmul_double": lambda x: tf.matmul(
            variable(random.rand(512, 512)), variable(random.rand(512, 512)), transpose_b=True
        ),
        "matmul_double_small": lambda x: tf.matmul(variable(random.rand(64, 64)), variable(random.rand(64, 64))),
        "exp_double": lambda x: tf.exp(variable(VALUES.astype(np.float64))),
        "tanh_double": lambda x: tf.tanh(variable(VALUES.astype(np.float64))),
    }
    return made | {name: (build, 0.0) for name, build in plain.items()}


def timed(run) -> float:
    """The best of the runs of a tenth of a second, and of ten at least: what else the machine does only ever adds."""
    for _ in range(3):
        run()
    best, end, runs = 1e9, time.perf_counter() + 0.1, 0
    while runs < 10 or time.perf_counter() < end:
        begin = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - begin)
        runs += 1
    return best


def main() -> None:
    all_cases = cases()
    for name in sys.argv[1:] or all_cases:
        build, offset = all_cases[name]
        try:
            with tf.Graph().as_default(), v1.Session() as session:
                result = build(variable(VALUES + np.float32(offset)))
                target = result if isinstance(result, tf.Operation) else result.op
                session.run(v1.global_variables_initializer())
                print(name, "%.4f" % (timed(functools.partial(session.run, target)) * 1e9 / N), "ns", flush=True)
        except Exception as error:  # the peer or we may lack the op
            print(name, "absent", type(error).__name__, str(error)[:80], file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
