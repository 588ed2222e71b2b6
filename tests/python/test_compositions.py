"""Functions made of other ops: identity matrices, norms, sparse tensors, confusion matrices, templates."""

import numpy as np
import pytest
import tensorflow as tf


def run(fetch, feed=None):
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return session.run(fetch, feed)


@pytest.mark.parametrize("dtype", [tf.int32, tf.float64, tf.complex64])
def test_identity_matrices(dtype):
    for rows, columns, batch in ((2, None, None), (2, 3, []), (3, 1, [2]), (0, 2, [2, 1])):
        expected = np.tile(np.eye(rows, columns, dtype=dtype.as_numpy_dtype), [*(batch or []), 1, 1])
        made = tf.eye(rows, columns, batch, dtype)
        assert made.shape.as_list() == [*(batch or []), rows, rows if columns is None else columns]
        np.testing.assert_array_equal(run(made), expected if batch else expected.reshape(expected.shape[-2:]))
    size = tf.placeholder(tf.int32, [])
    assert run(tf.eye(size, 2), {size: 3}).tolist() == [[1, 0], [0, 1], [0, 0]]
    with pytest.raises(TypeError, match="must be positive integer"):
        tf.eye(1.5)


@pytest.mark.parametrize(
    ("order", "axis"),
    [("euclidean", None), (1, 0), (np.inf, 1), (3.0, 1), ("fro", (0, 1)), (1, (0, 1)), (np.inf, (0, 1))],
)
def test_norms_are_numpys(order, axis):
    x = np.random.RandomState(0).randn(3, 4)
    numpy_order = {"euclidean": None}.get(order, order)
    expected = np.linalg.norm(x.ravel() if axis is None else x, numpy_order, None if axis is None else axis)
    np.testing.assert_allclose(run(tf.norm(x, order, axis)), expected, rtol=1e-9)
    with pytest.raises(ValueError, match="'ord' must be a supported"):
        tf.norm(x, -1.0)


def test_sparse_tensors_are_cut_filled_and_reshaped():
    sparse = tf.SparseTensor([[0, 1], [2, 0], [2, 2]], [1, 2, 3], [4, 3])
    dense = run(tf.sparse_tensor_to_dense(sparse))
    assert dense.tolist() == [[0, 1, 0], [0, 0, 0], [2, 0, 3], [0, 0, 0]]
    to_dense = tf.sparse.to_dense
    assert run(to_dense(tf.sparse_reshape(sparse, [6, -1]))).tolist() == dense.reshape(6, 2).tolist()
    assert run(to_dense(tf.sparse_slice(sparse, [2, 0], [2, 2]))).tolist() == dense[2:4, 0:2].tolist()
    assert run(to_dense(tf.sparse_retain(sparse, [True, False, True]))).tolist()[2] == [0, 0, 3]
    filled, empty = tf.sparse_fill_empty_rows(sparse, 9)
    assert run(to_dense(filled))[:, 0].tolist() == [0, 9, 2, 9]
    assert run(empty).tolist() == [False, True, False, True]
    assert run(tf.sparse_reset_shape(sparse)).dense_shape.tolist() == [3, 3]
    assert run(tf.sparse_reset_shape(sparse, [5, 4])).dense_shape.tolist() == [5, 4]
    product = tf.sparse_tensor_dense_matmul(tf.cast(sparse, tf.float32), tf.eye(3))
    np.testing.assert_array_equal(run(product), dense)
    indicated = run(tf.sparse_to_indicator(sparse, 5))
    assert np.argwhere(indicated).tolist() == [[0, 1], [2, 2], [2, 3]]
    with pytest.raises(ValueError, match="Cannot reshape a tensor with 12 elements"):
        tf.sparse_reshape(sparse, [5, 2])
    with pytest.raises(TypeError, match="Input must be a SparseTensor"):
        tf.sparse_reorder(dense)
    with pytest.raises(ValueError, match="Requested new_shape should have dimension sizes"):
        tf.sparse_reset_shape(sparse, [3, 3])


def test_confusion_matrices_count_and_weigh():
    counts = tf.confusion_matrix([1, 0, 1, 2], [1, 2, 0, 2])
    assert run(counts).tolist() == [[0, 0, 1], [1, 1, 0], [0, 0, 1]]
    weighed = tf.confusion_matrix([[0], [1]], [1, 1], 3, tf.float32, weights=[0.5, 2.0])
    assert run(weighed).tolist() == [[0, 0.5, 0], [0, 2, 0], [0, 0, 0]]
    labels = tf.placeholder(tf.int32, [1])
    with pytest.raises(tf.errors.InvalidArgumentError, match="`labels` out of bound"):
        run(tf.confusion_matrix(labels, [0], 2), {labels: [2]})


def test_templates_share_variables_between_calls():
    def line(x, slope):
        return x * slope + tf.get_variable("b", [], initializer=tf.constant_initializer(3.0))

    template = tf.make_template("line", line, slope=2.0)
    first, second = template(1.0), template(5.0)
    assert [v.name for v in tf.global_variables()] == ["line/b:0"] == [v.name for v in template.trainable_variables]
    assert run([first, second]) == [5.0, 13.0]
    other = tf.make_template("line", line, slope=1.0)
    other(0.0)
    assert other.variable_scope_name == "line_1"

    def grows(x):
        return x * tf.Variable(1.0)

    growing = tf.make_template("grows", grows)
    growing(1.0)
    with pytest.raises(ValueError, match="Trainable variable created when calling a template after the first time"):
        growing(1.0)


def test_known_conditions_are_decided_at_once():
    from tensorflow.python.framework import smart_cond

    assert smart_cond.smart_cond(tf.constant(True), lambda: 1, lambda: 2) == 1
    assert smart_cond.smart_case([(False, lambda: 1), (True, lambda: 2)], default=lambda: 3) == 2
    assert smart_cond.smart_constant_value(tf.placeholder(tf.bool, [])) is None
    with pytest.raises(TypeError, match="`pred` must be a Tensor"):
        smart_cond.smart_constant_value("yes")
