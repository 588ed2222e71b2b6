"""Members of graphs and operations: scopes of devices, attributes, colocation and containers; conversions; messages."""

import pytest
import tensorflow as tf
from tensorflow.core.framework import attr_value_pb2
from tensorflow.python.framework import ops


def test_devices_of_nested_blocks_are_merged():
    with tf.device("/job:ps"), tf.device("/gpu:1"):
        assert tf.constant(1.0).op.device == "/job:ps/device:GPU:1"
        with tf.device(None):
            assert tf.constant(1.0).op.device == ""
        with tf.device("/job:worker/task:2"):
            assert tf.constant(1.0).op.device == "/job:worker/task:2/device:GPU:1"


def test_device_functions_see_each_operation_and_have_the_last_word():
    seen = []

    def place(op):
        seen.append((op.type, op.name, op.device))
        return "/job:ps/task:3/cpu:0" if op.type == "Const" else op.device

    with tf.device("/job:worker"), tf.device(place), tf.device("/task:1"):
        a = tf.constant(1.0, name="a")
        b = tf.identity(a, name="b")
    assert a.op.device == "/job:ps/task:3/device:CPU:0"
    assert b.op.device == "/job:worker/task:1"
    assert seen == [("Const", "a", "/task:1"), ("Identity", "b", "/task:1")]
    assert tf.constant(1.0).op.device == ""


def test_merged_devices_fill_what_inner_blocks_leave_open():
    from tensorflow.python.framework import device

    with tf.device(device.merge_device("/job:worker/gpu:0")):
        assert tf.constant(1.0).op.device == "/job:worker/device:GPU:0"
        with tf.device(device.merge_device("/cpu:1")):
            assert tf.constant(1.0).op.device == "/job:worker/device:CPU:1"


def test_colocation_is_an_attribute_and_takes_the_device():
    with tf.device("/cpu:1"):
        a = tf.constant(1.0, name="a")
    with tf.colocate_with(a):
        b = tf.constant(2.0, name="b")
        with tf.colocate_with(b):
            c = tf.constant(3.0, name="c")
        with tf.get_default_graph().colocate_with(None, ignore_existing=True):
            d = tf.constant(4.0, name="d")
    assert a.op.colocation_groups() == [b"loc:@a"]
    assert b.op.colocation_groups() == c.op.colocation_groups() == [b"loc:@a"]
    assert b.op.device == a.op.device == "/device:CPU:1"
    assert d.op.colocation_groups() == [b"loc:@d"]


def test_attr_scopes_and_gradient_overrides_mark_operations():
    graph = tf.get_default_graph()
    value = attr_value_pb2.AttrValue(s=b"there")
    with graph._attr_scope({"_where": value, "_inputs": lambda node: attr_value_pb2.AttrValue(i=len(node.input))}):
        op = tf.identity(tf.constant(1.0)).op
    assert op.get_attr("_where") == b"there" and op.get_attr("_inputs") == 1
    with graph.gradient_override_map({"Identity": "Other"}):
        assert tf.identity(1.0).op.get_attr("_gradient_op_type") == b"Other"
    with pytest.raises(ValueError):
        tf.identity(1.0).op.get_attr("_gradient_op_type")


def test_containers_are_given_to_operations_that_have_one():
    with tf.container("box"):
        v = tf.Variable(1.0, use_resource=False)
        c = tf.constant(1.0)
    assert v.op.get_attr("container") == b"box"
    assert "container" not in c.op._attr_names


def test_operations_give_their_messages():
    a = tf.placeholder(tf.float32, name="a")
    op = tf.add(a, 1.0, name="sum").op
    assert (op.node_def.name, op.node_def.op, list(op.node_def.input)) == ("sum", op.type, ["a", "sum/y"])
    assert [arg.name for arg in op.op_def.input_arg] == ["x", "y"]
    op._set_attr("_mark", attr_value_pb2.AttrValue(list=attr_value_pb2.AttrValue.ListValue(i=[1, 2])))
    assert op.get_attr("_mark") == [1, 2]


def test_create_op_adds_an_operation_by_type():
    graph = tf.get_default_graph()
    a = tf.constant([1.0, 2.0])
    op = graph.create_op(
        "Cast", [a], name="as_int", attrs={"DstT": attr_value_pb2.AttrValue(type=tf.int32.as_datatype_enum)}
    )
    assert op.name == "as_int" and op.outputs[0].dtype == tf.int32
    with pytest.raises(TypeError, match="Input #0 is not a tensor"):
        graph.create_op("Cast", [1.0])


def test_conversion_functions_are_asked_by_priority():
    class Money:
        pass

    tf.register_tensor_conversion_function(Money, lambda v, dtype=None, name=None, as_ref=False: NotImplemented, 0)
    tf.register_tensor_conversion_function(Money, lambda v, dtype=None, name=None, as_ref=False: tf.constant(7.0))
    with tf.Session() as session:
        assert session.run(tf.add(Money(), 1.0)) == 8.0
    with pytest.raises(TypeError, match="base_type must be a type"):
        tf.register_tensor_conversion_function("Money", lambda v: v)


def test_names_are_put_into_scopes_and_taken_out():
    assert ops.prepend_name_scope("^a/b", "s") == "^s/a/b"
    assert ops.strip_name_scope("loc:@s/a", "s/") == "loc:@a"
    assert ops.strip_name_scope("sa/b", "s") == "sa/b"
    with tf.name_scope("x"), tf.name_scope("y"):
        assert ops.get_name_scope() == "x/y"
        with ops.init_scope():
            assert tf.constant(1.0).op.name.startswith("x/y/")


def test_module_attributes_of_private_modules_reach_the_implementation():
    from headrace import tf2 as implementation
    from tensorflow.python import tf2
    from tensorflow.python.ops import gradient_checker

    tf2._force_enable = True
    assert tf2.enabled() and implementation._force_enable is True
    tf2._force_enable = None
    assert not tf2.enabled()
    with tf.test.mock.patch.object(gradient_checker, "compute_gradient_error", return_value=5):
        assert gradient_checker.compute_gradient_error() == 5
    assert gradient_checker.compute_gradient_error is tf.test.compute_gradient_error
