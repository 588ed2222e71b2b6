"""The same pipelines under TensorFlow and under Headrace give the same elements in the same order."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("pipelines.py")
TAXI = Path(os.environ.get("HEADRACE_TAXI_DATA", Path(__file__).parents[2] / ".." / "shared" / "data" / "taxi"))
ORACLE = os.environ.get("HEADRACE_ORACLE_PYTHON")


def run(python: str, environment: dict[str, str]) -> dict:
    command = [python, str(SCRIPT), str(TAXI / "taxi-valid.csv")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def expected() -> dict:
    if not ORACLE:
        pytest.skip("HEADRACE_ORACLE_PYTHON is not set")
    if not TAXI.is_dir():
        pytest.skip("the taxi data is not here")
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    return run(ORACLE, clean)


@pytest.mark.parametrize("vectorise", ["1", "0"])
def test_pipelines_agree_with_tensorflow(expected: dict, vectorise: str) -> None:
    given = run(sys.executable, {**os.environ, "HEADRACE_VECTORISE": vectorise})
    assert given.keys() == expected.keys()
    for name, elements in expected.items():
        assert given[name] == elements, name
