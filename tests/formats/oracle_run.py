"""Real TensorFlow and TensorBoard look at what a Headrace run of the taxi-fare trainer left.

usage: oracle_run.py MODEL_DIR EXPORT EXPECTED. EXPECTED is {"instances": [...], "predictions": [...]} as Headrace predicts.
"""

import json
import os
import sys
import time
import urllib.request

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np  # noqa: E402
import tensorflow as tf2  # noqa: E402
import tensorflow.compat.v1 as tf  # noqa: E402
from google.protobuf import text_format  # noqa: E402
from tensorboard import program  # noqa: E402


def check_checkpoint(model_dir):
    latest = tf.train.latest_checkpoint(model_dir)
    reader = tf.train.load_checkpoint(latest)
    shapes = reader.get_variable_to_shape_map()
    assert reader.get_tensor("global_step") == 60, reader.get_tensor("global_step")
    assert shapes["dnn/hiddenlayer_0/kernel"] == [5, 8], shapes
    assert shapes["dnn/hiddenlayer_0/kernel/t_0/Adagrad"] == [5, 8], shapes
    for name in shapes:
        assert np.isfinite(reader.get_tensor(name)).all(), name
    state = tf.train.get_checkpoint_state(model_dir)
    assert [os.path.basename(p) for p in state.all_model_checkpoint_paths] == ["model.ckpt-0", "model.ckpt-60"]
    return latest


def check_graph(model_dir, latest):
    """The graph is well-formed to TensorFlow: graph.pbtxt parses, .meta imports and restores through its own saver."""
    with open(os.path.join(model_dir, "graph.pbtxt")) as file:
        graph = text_format.Parse(file.read(), tf.GraphDef())
    assert any(node.op == "MatMul" for node in graph.node)
    tf.MetaGraphDef.FromString(open(latest + ".meta", "rb").read())
    with tf.Graph().as_default(), tf.Session() as session:
        saver = tf.train.import_meta_graph(latest + ".meta")
        saver.restore(session, latest)
        assert session.run("global_step:0") == 60
        names = {v.op.name for v in tf.trainable_variables()}
        assert any(name.startswith("dnn/hiddenlayer_0/kernel") for name in names), names


def check_export(export, expected_path):
    with open(expected_path) as file:
        expected = json.load(file)
    x = {name: np.array([row[name] for row in expected["instances"]], np.float32) for name in expected["instances"][0]}
    want = [row["predictions"] for row in expected["predictions"]]
    loaded = tf2.saved_model.load(export, tags=["serve"])
    got = loaded.signatures["predict"](**{name: tf2.constant(value) for name, value in x.items()})["predictions"]
    np.testing.assert_allclose(got.numpy(), want, rtol=1e-5)
    with tf.Graph().as_default(), tf.Session() as session:
        meta = tf.saved_model.loader.load(session, ["serve"], export)
        signature = meta.signature_def["predict"]
        feeds = {signature.inputs[name].name: value for name, value in x.items()}
        np.testing.assert_allclose(session.run(signature.outputs["predictions"].name, feeds), want, rtol=1e-5)


def check_tensorboard(model_dir):
    board = program.TensorBoard()
    board.configure(argv=[None, "--logdir", model_dir, "--port", "0", "--load_fast", "false"])
    url = board.launch()

    def get(path):
        with urllib.request.urlopen(url + "data/" + path) as response:
            return json.loads(response.read()) if "json" in response.headers["Content-Type"] else response.read()

    while not {".", "eval"} <= set(tags := get("plugin/scalars/tags")):  # it reads the events in the background
        time.sleep(0.5)
    assert "loss" in tags["."] and "average_loss" in tags["eval"], tags
    points = get("plugin/scalars/scalars?run=.&tag=loss")
    assert points and all(np.isfinite(value) for _, _, value in points), points
    evaluated = get("plugin/scalars/scalars?run=eval&tag=average_loss")
    assert [step for _, step, _ in evaluated] == [60], evaluated
    graph = get("plugin/graphs/graph?run=.&conceptual=false")
    assert b"dnn/hiddenlayer_0" in graph and b"MatMul" in graph


if __name__ == "__main__":
    model_dir, export, expected = sys.argv[1:]
    latest = check_checkpoint(model_dir)
    check_export(export, expected)
    check_graph(model_dir, latest)
    check_tensorboard(model_dir)
