"""Wide and deep models and TensorFlow: from its checkpoints ours take its steps and predict its numbers; it predicts from
what we export."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("wide_deep.py")
CUSTOMERS = Path(__file__).with_name("wide_deep_customers.py")
TAXI = Path(os.environ.get("HEADRACE_TAXI_DATA", Path(__file__).parents[2] / ".." / "shared" / "data" / "taxi"))
ORACLE = os.environ.get("HEADRACE_ORACLE_PYTHON")


def run(python: str, script: Path, *arguments: object, environment: dict[str, str]) -> str:
    """The last line that the script prints."""
    command = [python, str(script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout.splitlines()[-1] if done.stdout else ""


def clean() -> dict[str, str]:
    """The environment without our path, in which TensorFlow is TensorFlow."""
    return {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}


def copy_model(theirs: Path, ours: Path) -> None:
    """A copy of a model directory whose checkpoint state names the copy."""
    shutil.copytree(theirs, ours)
    state = ours / "checkpoint"
    state.write_text(state.read_text().replace(str(theirs), str(ours)))


def train(python: str, model_dir: Path, steps: int, environment: dict[str, str]) -> dict:
    return json.loads(run(python, SCRIPT, model_dir, steps, TAXI / "taxi-train.csv", environment=environment))


@pytest.mark.skipif(not ORACLE, reason="HEADRACE_ORACLE_PYTHON is not set")
@pytest.mark.skipif(not TAXI.is_dir(), reason="the taxi data is not here")
def test_wide_and_deep_follows_tensorflow(tmp_path: Path) -> None:
    theirs, ours = tmp_path / "tensorflow", tmp_path / "headrace"
    train(ORACLE, theirs, 1, clean())
    copy_model(theirs, ours)
    expected = train(ORACLE, theirs, 41, clean())
    given = train(sys.executable, ours, 41, dict(os.environ))
    assert len(given["losses"]) == len(expected["losses"]) == 40
    assert given["losses"] == pytest.approx(expected["losses"], rel=1e-4)
    assert sorted(given["variables"]) == sorted(expected["variables"])


def predictions(python: str, action: str, directory: Path, environment: dict[str, str]) -> list[float]:
    return json.loads(run(python, CUSTOMERS, action, directory, environment=environment))


@pytest.mark.skipif(not ORACLE, reason="HEADRACE_ORACLE_PYTHON is not set")
def test_predictions_stay_as_a_model_goes_from_tensorflow_to_us_and_back(tmp_path: Path) -> None:
    theirs, ours = tmp_path / "tensorflow", tmp_path / "headrace"
    theirs.mkdir()
    ours.mkdir()
    run(ORACLE, CUSTOMERS, "train", theirs, environment=clean())
    copy_model(theirs / "model", ours / "model")
    expected = predictions(ORACLE, "predict", theirs, clean())
    assert len(set(expected)) == 10
    assert predictions(sys.executable, "export", ours, dict(os.environ)) == pytest.approx(expected, rel=1e-5)
    assert predictions(ORACLE, "serve", ours, clean()) == pytest.approx(expected, rel=1e-5)
