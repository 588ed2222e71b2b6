"""Graphs: names by 1.15's rules, scopes, dtypes and shapes of what is built, errors while building."""

import numpy as np
import pytest
import tensorflow as tf


def names():
    return [op.name for op in tf.get_default_graph().get_operations()]


def test_operators_name_their_nodes_as_1_15_does():
    x = tf.placeholder(tf.float32, [])
    y = x * 2.0 + 1.0
    assert names() == ["Placeholder", "mul/y", "mul", "add/y", "add"]
    assert (y.name, y.op.type, y.dtype, y.shape.as_list()) == ("add:0", "AddV2", tf.float32, [])


@pytest.mark.parametrize(
    ("build", "expected"),
    [(lambda x: 1 - x, ["sub/x", "sub"]), (lambda x: x / 2, ["truediv/y", "truediv"]), (lambda x: -x, ["Neg"]),
     (lambda x: x[1:], ["strided_slice/stack", "strided_slice/stack_1", "strided_slice/stack_2", "strided_slice"]),
     (lambda x: tf.reduce_sum(x), ["Const", "Sum"]),
     (lambda x: tf.reduce_mean(x, 0), ["Mean/reduction_indices", "Mean"]),
     (lambda x: x > 1, ["Greater/y", "Greater"]), (lambda x: tf.cast(x, tf.int32), ["Cast"]),
     (lambda x: tf.stack([x, x]), ["stack"]), (lambda x: tf.concat([x, x], 0), ["concat/axis", "concat"]),
     (lambda x: tf.expand_dims(x, 0), ["ExpandDims/dim", "ExpandDims"])],
)  # fmt: skip
def test_names_of_common_functions(build, expected):
    build(tf.placeholder(tf.float32, [3], name="x"))
    assert names() == ["x", *expected]


def test_names_are_made_unique_without_regard_to_case():
    assert [tf.constant(1.0, name=n).op.name for n in ("a", "a", "A", "a_1")] == ["a", "a_1", "A_2", "a_1_1"]


def test_name_scopes_nest_are_unique_and_can_be_reentered():
    with tf.name_scope("layer") as scope:
        assert scope == "layer/"
        with tf.name_scope("inner"):
            assert tf.constant(1.0).name == "layer/inner/Const:0"
    with tf.name_scope("layer"):
        assert tf.constant(1.0).name == "layer_1/Const:0"
    with tf.name_scope(scope):
        assert tf.constant(1.0).name == "layer/Const:0"
    with tf.name_scope(None):
        assert tf.constant(1.0).name == "Const:0"


def test_control_dependencies():
    a = tf.constant(1.0, name="a")
    with tf.control_dependencies([a]):
        b = tf.identity(a)
        with tf.control_dependencies(None):
            c = tf.identity(a)
    assert [op.name for op in b.op.control_inputs] == ["a"]
    assert c.op.control_inputs == []


def test_graphs_are_separate_and_elements_are_found_by_name():
    a = tf.constant(1.0, name="a")
    graph = tf.get_default_graph()
    with tf.Graph().as_default() as other:
        assert tf.get_default_graph() is other
        assert tf.constant(2.0, name="a").name == "a:0"
    assert graph.get_tensor_by_name("a:0") == a
    assert graph.get_operation_by_name("a") == a.op
    assert a.graph is graph
    with pytest.raises(KeyError):
        graph.get_tensor_by_name("b:0")
    with pytest.raises(KeyError):
        graph.get_operation_by_name("b")
    with pytest.raises(ValueError, match="Tensor names"):
        graph.get_tensor_by_name("a")


def test_collections_keep_tensors_strings_and_objects():
    a, thing = tf.constant(1.0), object()
    for item in (a, "text", thing, a.op):
        tf.add_to_collection("things", item)
    assert tf.get_collection("things") == [a, "text", thing, a.op]
    assert "things" in tf.get_default_graph().get_all_collection_keys()
    tf.get_collection_ref("things").remove("text")
    assert len(tf.get_collection("things")) == 3


@pytest.mark.parametrize(
    ("value", "dtype"),
    [(1.0, tf.float32), (1, tf.int32), (2**40, tf.int64), (True, tf.bool), ("a", tf.string), ([1, 2.5], tf.float32),
     (np.float64(1), tf.float64), (np.arange(3), tf.int64), ([b"a", "b"], tf.string), ([], tf.float32)],
)  # fmt: skip
def test_types_inferred_from_values(value, dtype):
    assert tf.constant(value).dtype == dtype


def test_values_that_do_not_fit_a_type_are_refused():
    with pytest.raises(TypeError, match="Expected int32"):
        tf.constant(1.5, tf.int32)
    with pytest.raises(TypeError, match="Expected float32"):
        tf.constant("a", tf.float32)
    with pytest.raises(ValueError, match="None values not supported"):
        tf.convert_to_tensor(None)
    with pytest.raises(ValueError, match="requested dtype float64 for Tensor with dtype float32"):
        tf.convert_to_tensor(tf.constant(1.0), tf.float64)


def test_wrong_arguments_are_named():
    with pytest.raises(TypeError, match="Input 'y' of 'Mul' Op has type float64"):
        tf.multiply(tf.constant(1.0), tf.constant(1.0, tf.float64))
    with pytest.raises(ValueError, match="3 and 2"):
        tf.matmul(tf.ones([2, 3]), tf.ones([2, 3]))


def test_a_tensor_is_no_bool_and_not_iterable():
    with pytest.raises(TypeError, match="Python `bool`"):
        bool(tf.constant(True))
    with pytest.raises(TypeError, match="only iterable"):
        list(tf.constant([1, 2]))


def test_shapes_and_dimensions():
    x = tf.placeholder(tf.float32, [None, 3])
    assert x.shape.as_list() == [None, 3]
    assert (x.shape[1].value, int(x.shape[1]), x.shape[0].value, x.get_shape().ndims) == (3, 3, None, 2)
    assert tf.TensorShape([None, 3]).is_compatible_with([5, 3])
    assert str(tf.TensorShape([None, 3])) == "(?, 3)"
    x.set_shape([7, None])
    assert x.shape.as_list() == [7, 3]


def test_a_finalized_graph_refuses_nodes():
    tf.get_default_graph().finalize()
    with pytest.raises((RuntimeError, tf.errors.OpError), match="finalized"):
        tf.constant(1.0)


def test_a_graph_goes_to_a_graph_def_and_back():
    x = tf.placeholder(tf.float32, [], name="x")
    tf.add(x, 1.0, name="y")
    definition = tf.get_default_graph().as_graph_def()
    with tf.Graph().as_default(), tf.Session() as session:
        (y,) = tf.import_graph_def(definition, return_elements=["y:0"], name="copy")
        assert y.name == "copy/y:0"
        assert session.run(y, {"copy/x:0": 2.0}) == 3.0


def test_gradients_are_tensors_slices_or_none():
    x, table, other = tf.constant(3.0), tf.get_variable("t", [4, 2]), tf.constant(1.0)
    y = x * x + tf.reduce_sum(tf.gather(table, [1, 1]))
    by_x, by_table, by_other = tf.gradients(y, [x, table, other])
    assert by_other is None
    assert isinstance(by_table, tf.IndexedSlices)
    with tf.Session() as session:
        assert session.run(by_x) == 6.0
