"""Times eager execution under an interpreter that provides `import tensorflow` (1.x API).

usage: python eager.py [--compare OTHER_PYTHON]
Prints one line each: NAME microseconds us, the best of several rounds. With --compare the other interpreter runs the
same in turn, and a line says how many times faster this one is. `step_session` and `step_function` are one training
step of the taxi-fare network (128, 32, 4 units; 512 rows), run by a session and by tf.function.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def best(function, calls: int, rounds: int = 7) -> float:
    """Microseconds a call."""
    function()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(calls):
            function()
        times.append((time.perf_counter() - start) / calls * 1e6)
    return min(times)


def network(tf, variables: list, x):
    for kernel, bias in variables[:-1]:
        x = tf.nn.relu(tf.matmul(x, kernel) + bias)
    kernel, bias = variables[-1]
    return tf.matmul(x, kernel) + bias


def parameters(tf, make) -> list:
    sizes = [5, 128, 32, 4, 1]
    return [(make(0.1 * tf.ones([m, n])), make(tf.zeros([n]))) for m, n in zip(sizes, sizes[1:])]


def measure() -> dict[str, float]:
    import tensorflow as tf

    v1 = tf.compat.v1
    results = {}
    with v1.Graph().as_default():
        x, y = tf.ones([512, 5]), tf.ones([512, 1])
        variables = parameters(tf, lambda value: v1.Variable(value, use_resource=True))
        loss = tf.reduce_mean(tf.square(network(tf, variables, x) - y))
        train = v1.train.AdagradOptimizer(0.05).minimize(loss)
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            results["step_session"] = best(lambda: session.run([train, loss]), 200)
    from tensorflow.python.eager import context

    with context.eager_mode():
        a, b = tf.constant(3.0), tf.constant(1.0)
        results["add_operator"] = best(lambda: a + b, 5000)
        results["add_function"] = best(lambda: tf.add(a, b), 5000)
        x, y = tf.ones([512, 5]), tf.ones([512, 1])
        variables = parameters(tf, lambda value: tf.Variable(value))
        flat = [v for pair in variables for v in pair]
        optimizer = v1.train.AdagradOptimizer(0.05)

        @tf.function
        def step(x, y):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(tf.square(network(tf, variables, x) - y))
            optimizer.apply_gradients(zip(tape.gradient(loss, flat), flat))
            return loss

        results["step_function"] = best(lambda: step(x, y), 200)
    return results


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--compare")
    options = parser.parse_args()
    results = measure()
    for name, value in results.items():
        print(f"{name} {value:.3f} us", flush=True)
    if not options.compare:
        return
    output = subprocess.run([options.compare, os.path.abspath(__file__)], capture_output=True, text=True, env={
        key: value for key, value in os.environ.items() if key != "PYTHONPATH"
    }, check=True).stdout  # fmt: skip
    others = {line.split()[0]: float(line.split()[1]) for line in output.splitlines() if line.endswith(" us")}
    for name, value in others.items():
        print(f"{name}: {value:.3f} us there, {value / results[name]:.1f} times as long", flush=True)


if __name__ == "__main__":
    sys.exit(main())
