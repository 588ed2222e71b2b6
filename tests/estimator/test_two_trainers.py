"""Two processes that train in one model_dir: the second is refused, the first goes on and loses nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
import numpy as np, tensorflow as tf
tf.logging.set_verbosity(tf.logging.INFO)
X = np.linspace(0, 1, 200).astype("float32")
inputs = tf.estimator.inputs.numpy_input_fn({"x": X}, X, num_epochs=None, shuffle=True)
estimator = tf.estimator.LinearRegressor([tf.feature_column.numeric_column("x")], model_dir=sys.argv[1])
try:
    estimator.train(inputs, steps=int(sys.argv[2]))
except KeyboardInterrupt:
    print("STEPS", estimator.get_variable_value("global_step"))
"""


def start(directory: Path, steps: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(directory), str(steps)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
        # A test run in the background of a shell has SIGINT ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def test_a_second_process_on_the_same_model_dir_is_refused(tmp_path: Path) -> None:
    first = start(tmp_path, 10**9)
    try:
        assert any("global_step/sec" in line for line in first.stderr)
        second = start(tmp_path, 10)
        _, error = second.communicate()
        assert second.returncode != 0
        assert str(tmp_path) in error.splitlines()[-1], error
        assert first.poll() is None
        first.send_signal(signal.SIGINT)
        output, _ = first.communicate()
    finally:
        first.kill()
    assert int(output.split()[1]) > 10
    assert any(name.startswith("model.ckpt-") for name in os.listdir(tmp_path))
