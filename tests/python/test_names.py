"""The nodes that functions add, by name and type, are those that TensorFlow adds."""

import json
import os
import subprocess
import sys

import pytest

GRAPHS = os.path.join(os.path.dirname(__file__), "graphs.py")


def nodes(python, environment):
    result = subprocess.run([python, GRAPHS], env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_nodes_are_named_as_tensorflow_names_them():
    oracle = os.environ.get("HEADRACE_ORACLE_PYTHON", "")
    if not os.path.exists(oracle):
        pytest.skip("HEADRACE_ORACLE_PYTHON names no interpreter with TensorFlow")
    plain = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    theirs, ours = nodes(oracle, plain), nodes(sys.executable, os.environ)
    assert set(ours) == set(theirs)
    for name, expected in theirs.items():
        assert ours[name] == expected, name
