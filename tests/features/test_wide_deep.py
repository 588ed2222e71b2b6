"""A wide and deep model started from TensorFlow's checkpoint takes TensorFlow's steps, and writes its variables."""
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("wide_deep.py")
TAXI = Path(os.environ.get("HEADRACE_TAXI_DATA", Path(__file__).parents[2] / ".." / "shared" / "data" / "taxi"))
ORACLE = os.environ.get("HEADRACE_ORACLE_PYTHON")


def train(python: str, model_dir: Path, steps: int, environment: dict[str, str]) -> dict:
    command = [python, str(SCRIPT), str(model_dir), str(steps), str(TAXI / "taxi-train.csv")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.skipif(not ORACLE, reason="HEADRACE_ORACLE_PYTHON is not set")
@pytest.mark.skipif(not TAXI.is_dir(), reason="the taxi data is not here")
def test_wide_and_deep_follows_tensorflow(tmp_path: Path) -> None:
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    theirs, ours = tmp_path / "tensorflow", tmp_path / "headrace"
    train(ORACLE, theirs, 1, clean)
    shutil.copytree(theirs, ours)
    state = ours / "checkpoint"
    state.write_text(state.read_text().replace(str(theirs), str(ours)))
    expected = train(ORACLE, theirs, 41, clean)
    given = train(sys.executable, ours, 41, dict(os.environ))
    assert len(given["losses"]) == len(expected["losses"]) == 40
    assert given["losses"] == pytest.approx(expected["losses"], rel=1e-4)
    assert sorted(given["variables"]) == sorted(expected["variables"])
