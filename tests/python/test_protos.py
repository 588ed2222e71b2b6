"""Protocol buffers: TensorFlow's field numbers, and real messages wherever the API takes or gives one."""

import json
import os
import subprocess
import sys

import pytest
import tensorflow as tf
from google.protobuf import json_format, text_format

_FILES = """
from tensorflow.core.example import example_pb2, feature_pb2
from tensorflow.core.framework import (
    attr_value_pb2, cost_graph_pb2, device_attributes_pb2, function_pb2, graph_pb2, node_def_pb2, op_def_pb2,
    resource_handle_pb2, step_stats_pb2, summary_pb2, tensor_pb2, tensor_shape_pb2, tensor_slice_pb2, types_pb2,
    variable_pb2, versions_pb2,
)
from tensorflow.core.protobuf import (
    cluster_pb2, config_pb2, control_flow_pb2, debug_pb2, error_codes_pb2, meta_graph_pb2, queue_runner_pb2,
    rewriter_config_pb2, saved_model_pb2, saver_pb2, tensor_bundle_pb2, tensorflow_server_pb2,
    trackable_object_graph_pb2, verifier_config_pb2,
)
from tensorflow.core.util import event_pb2
""".replace("error_codes_pb2, ", "")

_PRINT = (
    _FILES
    + """
import json
from google.protobuf.descriptor import FieldDescriptor
found = {}
def message(d):
    found[d.full_name] = {f.name: [f.number, f.type, f.label] for f in d.fields}
    for inner in d.nested_types: message(inner)
    for e in d.enum_types: enum(e)
def enum(e):
    found[e.full_name] = {v.name: v.number for v in e.values}
for name, module in list(globals().items()):
    if name.endswith("_pb2"):
        for d in module.DESCRIPTOR.message_types_by_name.values(): message(d)
        for e in module.DESCRIPTOR.enum_types_by_name.values(): enum(e)
print(json.dumps(found))
"""
)


def descriptors(python, environment):
    result = subprocess.run([python, "-c", _PRINT], env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_fields_have_tensorflows_numbers_and_types():
    oracle = os.environ.get("HEADRACE_ORACLE_PYTHON", "")
    if not os.path.exists(oracle):
        pytest.skip("HEADRACE_ORACLE_PYTHON names no interpreter with TensorFlow")
    plain = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    theirs, ours = descriptors(oracle, plain), descriptors(sys.executable, os.environ)
    compared = set(ours) & set(theirs)
    assert len(compared) > 80
    differing = []
    for name in compared:
        for field in set(ours[name]) & set(theirs[name]):
            if ours[name][field] != theirs[name][field]:
                differing.append((name, field, ours[name][field], theirs[name][field]))
    assert differing == []
    # Fields that 1.15 has and later versions dropped.
    dropped = {("tensorflow.TrackableObjectGraph.TrackableObject.SerializedTensor", "optional_restore")}
    odd = {(n, f) for n in compared for f in ours[n] if f not in theirs[n]}
    assert odd - dropped == set()


def test_graph_def_round_trip():
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [None, 2], name="x")
        tf.add(x, 1.0, name="y")
    graph_def = graph.as_graph_def()
    assert isinstance(graph_def, tf.GraphDef)
    assert [node.name for node in graph_def.node] == ["x", "y/y", "y"]
    assert graph_def.node[0].attr["dtype"].type == tf.float32.as_datatype_enum
    assert list(graph_def.node[2].input) == ["x", "y/y"]
    again = text_format.Parse(text_format.MessageToString(graph_def), tf.GraphDef())
    assert json_format.Parse(json_format.MessageToJson(graph_def), tf.GraphDef()) == again == graph_def
    with tf.Graph().as_default():
        y, op = tf.import_graph_def(again, return_elements=["y:0", "y"], name="")
        assert y.op == op
        with tf.Session() as session:
            assert session.run(y, {"x:0": [[1.0, 2.0]]}).tolist() == [[2.0, 3.0]]


def test_add_shapes_writes_output_shapes():
    tf.placeholder(tf.float32, [None, 2], name="x")
    node = tf.get_default_graph().as_graph_def(add_shapes=True).node[0]
    assert [d.size for d in node.attr["_output_shapes"].list.shape[0].dim] == [-1, 2]


def test_import_graph_def_refuses_other_messages():
    with pytest.raises(TypeError, match="graph_def must be a GraphDef proto"):
        tf.import_graph_def(tf.Summary())


def test_config_refuses_unknown_options():
    config = tf.ConfigProto(intra_op_parallelism_threads=2, device_count={"CPU": 2})
    config.gpu_options.allow_growth = True
    assert tf.ConfigProto.FromString(config.SerializeToString()) == config
    with pytest.raises(AttributeError):
        config.inter_op_threads = 2
    with pytest.raises(ValueError):
        tf.ConfigProto(nonsense=1)
    with tf.Session(config=config) as session:
        assert session.run(tf.constant(1)) == 1


def test_tensor_messages():
    for value in ([[1.5, 2.5]], [1, 2, 3], [True, False], ["a", b"b"], 7, 1 + 2j, []):
        proto = tf.make_tensor_proto(value)
        assert tf.make_ndarray(proto).tolist() == tf.get_static_value(tf.constant(value)).tolist()
    filled = tf.make_tensor_proto(3.0, shape=[2, 2])
    assert len(filled.float_val) == 1
    assert tf.make_ndarray(filled).tolist() == [[3.0, 3.0], [3.0, 3.0]]
    with pytest.raises(ValueError, match="Too many elements provided. Needed at most 2, but received 3"):
        tf.make_tensor_proto([1, 2, 3], shape=[2])


def test_summaries_are_messages():
    with tf.Session() as session:
        summary = tf.Summary.FromString(session.run(tf.summary.scalar("loss", 0.5)))
    assert (summary.value[0].tag, summary.value[0].simple_value) == ("loss", 0.5)


def test_frozen_variables_become_constants():
    x = tf.placeholder(tf.float32, [], name="x")
    tf.multiply(x, tf.Variable(3.0, name="v"), name="y")
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        frozen = tf.graph_util.convert_variables_to_constants(session, session.graph_def, ["y"])
    assert {node.op for node in frozen.node} <= {"Const", "Placeholder", "Identity", "Mul"}
    with tf.Graph().as_default(), tf.Session() as session:
        (y,) = tf.import_graph_def(frozen, return_elements=["y:0"], name="")
        assert session.run(y, {"x:0": 2.0}) == 6.0


def test_meta_graphs_bring_collections_and_a_saver(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [], name="x")
        with tf.device("/cpu:1"):
            v = tf.get_variable("v", [], initializer=tf.constant_initializer(3.0))
        tf.add_to_collection("outputs", tf.multiply(x, v, name="y"))
        session.run(tf.global_variables_initializer())
        prefix = tf.train.Saver().save(session, str(tmp_path / "model"), 7)
        text = tf.train.export_meta_graph(str(tmp_path / "graph.pbtxt"), as_text=True, clear_devices=True)
        assert set(tf.train.export_meta_graph(collection_list=["outputs"]).collection_def) == {"outputs"}
    assert {node.device for node in text.graph_def.node} == {""}
    for file in (prefix + ".meta", tmp_path / "graph.pbtxt", text):
        with tf.Graph().as_default(), tf.Session() as session:
            saver = tf.train.import_meta_graph(file)
            (y,) = tf.get_collection("outputs")
            assert [v.name for v in tf.trainable_variables()] == ["v:0"]
            saver.restore(session, prefix)
            assert session.run(y, {"x:0": 2.0}) == 6.0
    with pytest.raises(OSError, match="does not exist"):
        tf.train.import_meta_graph(str(tmp_path / "nothing.meta"))
