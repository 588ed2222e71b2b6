"""Compares what two engines learn: the lab's taxi model, trained from several seeds under each interpreter.

usage: compare_learning.py --ours PYTHON --theirs PYTHON --data DIRECTORY [--steps 2000] [--seeds 10]
Both interpreters must provide `import tensorflow` (Headrace's from `headrace env`, TensorFlow's 2.15). Prints each
run's RMSE on DIRECTORY/taxi-valid.csv, then both engines' median, quartiles and range.
"""

import argparse
import statistics
import subprocess
import sys

TRAIN = r"""
import os, shutil, sys, tempfile
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow as tf
v1 = tf.compat.v1
v1.logging.set_verbosity(v1.logging.ERROR)
v1.disable_v2_behavior()
data, steps, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
COLUMNS = ["fare_amount", "pickuplon", "pickuplat", "dropofflon", "dropofflat", "passengers", "key"]
DEFAULTS = [[0.0], [-74.0], [40.0], [-74.0], [40.7], [1.0], ["nokey"]]

def rides(name, batch, train):
    def decode(line):
        features = dict(zip(COLUMNS, v1.decode_csv(line, record_defaults=DEFAULTS)))
        return features, features.pop("fare_amount")
    def input_fn():
        dataset = v1.data.TextLineDataset([os.path.join(data, name)]).map(decode)
        if train:
            dataset = dataset.shuffle(10 * batch).repeat(None)
        return dataset.batch(batch).make_one_shot_iterator().get_next()
    return input_fn

model_dir = tempfile.mkdtemp()
columns = [tf.feature_column.numeric_column(name) for name in COLUMNS[1:6]]
model = v1.estimator.DNNRegressor(
    [128, 32, 4], columns, model_dir=model_dir, config=tf.estimator.RunConfig(tf_random_seed=seed))
model.train(rides("taxi-train.csv", 512, True), steps=steps)
print("RMSE", model.evaluate(rides("taxi-valid.csv", 10000, False))["average_loss"] ** 0.5)
shutil.rmtree(model_dir)
"""


def rmse(python: str, data: str, steps: int, seed: int) -> float:
    """The RMSE of one training run under `python`. Errors: RuntimeError with what the run printed."""
    command = [python, "-c", TRAIN, data, str(steps), str(seed)]
    result = subprocess.run(command, capture_output=True, text=True)
    for line in result.stdout.splitlines():
        if line.startswith("RMSE "):
            return float(line.split()[1])
    raise RuntimeError(f"{python} printed no RMSE (exit status {result.returncode}):\n{result.stderr[-3000:]}")


def summary(values: list[float]) -> str:
    """Median, quartiles and range."""
    quartiles = statistics.quantiles(values, n=4) if len(values) > 1 else [values[0]] * 3
    return (
        f"median {statistics.median(values):.3f}   quartiles {quartiles[0]:.3f} {quartiles[2]:.3f}   "
        f"range {min(values):.3f} {max(values):.3f}"
    )


def main() -> None:
    """Runs both engines, seed by seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ours", required=True, help="Headrace's python")
    parser.add_argument("--theirs", required=True, help="an interpreter with TensorFlow 2.15")
    parser.add_argument("--data", required=True, help="the directory of taxi-train.csv and taxi-valid.csv")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--seeds", type=int, default=10)
    arguments = parser.parse_args()
    results: dict[str, list[float]] = {"ours": [], "theirs": []}
    for seed in range(1, arguments.seeds + 1):
        for engine, values in results.items():
            values.append(rmse(getattr(arguments, engine), arguments.data, arguments.steps, seed))
            print(f"seed {seed:3}  {engine:7} RMSE {values[-1]:.4f}", flush=True)
    for engine, values in results.items():
        print(f"{engine:7} {summary(values)}")
    sys.exit(0)


if __name__ == "__main__":
    main()
