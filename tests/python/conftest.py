"""Each test gets a default graph of its own."""

import os

import pytest


@pytest.fixture(autouse=True)
def fresh_graph():
    import tensorflow as tf

    with tf.Graph().as_default():
        yield


@pytest.fixture
def taxi_data():
    """The folder of the course's taxi CSVs; the test is skipped where there is none."""
    root = os.path.join(os.path.dirname(__file__), "..", "..")
    path = os.environ.get("HEADRACE_TAXI_DATA", os.path.join(root, "..", "shared", "data", "taxi"))
    if not os.path.exists(os.path.join(path, "taxi-train.csv")):
        pytest.skip(f"no taxi data in {path}; set HEADRACE_TAXI_DATA")
    return path
