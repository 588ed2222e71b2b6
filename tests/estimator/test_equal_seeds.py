"""The lab's model trained with one tf_random_seed on shuffled data: the same initial values, the same order of records
and so the same losses under Headrace and under TensorFlow 2.15."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ORACLE = os.environ.get("HEADRACE_ORACLE_PYTHON", "")
TAXI = Path(os.environ.get("HEADRACE_TAXI_DATA", Path(__file__).resolve().parents[3] / "shared/data/taxi"))
TRAIN = TAXI / "taxi-train.csv"

PROGRAM = """
import json, sys
import tensorflow as tf
v1 = tf.compat.v1
v1.disable_eager_execution()
v1.logging.set_verbosity(v1.logging.ERROR)
COLUMNS = ["fare_amount", "pickuplon", "pickuplat", "dropofflon", "dropofflat", "passengers", "key"]
DEFAULTS = [[0.0], [-74.0], [40.0], [-74.0], [40.7], [1.0], ["nokey"]]
train, directory, seed = sys.argv[1:4]

def decode(line):
    features = dict(zip(COLUMNS, v1.decode_csv(line, record_defaults=DEFAULTS)))
    return features, features.pop("fare_amount")

def dataset():
    return v1.data.TextLineDataset([train]).map(decode).shuffle(5120).repeat(None).batch(512)

def iterator():
    return v1.data.make_one_shot_iterator(dataset()).get_next()

for way, input_fn in (("dataset", dataset), ("iterator", iterator)):
    v1.estimator.DNNRegressor(
        [128, 32, 4], [tf.feature_column.numeric_column(name) for name in COLUMNS[1:6]], model_dir=directory + "/" + way,
        config=tf.estimator.RunConfig(tf_random_seed=int(seed), save_summary_steps=1),
    ).train(input_fn, steps=30)
"""

READ = """
import glob, json, sys
from tensorflow.python.summary.summary_iterator import summary_iterator
losses = {}
for path in glob.glob(sys.argv[1] + "/events*"):
    for event in summary_iterator(path):
        losses.update({event.step: value.simple_value for value in event.summary.value if value.tag == "loss"})
print(json.dumps([losses[step] for step in sorted(losses)]))
"""


WITHOUT_OURS = {**{k: v for k, v in os.environ.items() if k != "PYTHONPATH"}, "TF_CPP_MIN_LOG_LEVEL": "3"}


def run(interpreter: str, environment: dict[str, str], program: str, *arguments: str) -> str:
    result = subprocess.run(
        [interpreter, "-c", program, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr[-3000:]
    return result.stdout


@pytest.mark.skipif(not ORACLE, reason="needs TensorFlow 2.15 (HEADRACE_ORACLE_PYTHON)")
@pytest.mark.skipif(not TRAIN.exists(), reason="needs the lab's taxi data (HEADRACE_TAXI_DATA)")
def test_equal_seeds_give_tensorflows_losses(tmp_path: Path) -> None:
    run(ORACLE, WITHOUT_OURS, PROGRAM, str(TRAIN), str(tmp_path / "theirs"), "7")
    run(sys.executable, dict(os.environ), PROGRAM, str(TRAIN), str(tmp_path / "ours"), "7")
    for way in ("dataset", "iterator"):
        ours, theirs = (
            json.loads(run(ORACLE, WITHOUT_OURS, READ, str(tmp_path / which / way))) for which in ("ours", "theirs")
        )
        assert len(ours) == 30
        assert ours == pytest.approx(theirs, rel=1e-4), way
