"""tf.function: traces, what they capture, state in order, gradients through calls."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.eager import context, function


@pytest.fixture(autouse=True)
def eager():
    with context.eager_mode():
        yield


def traced(f, **options):
    """The traced function and the list of its traces' argument shapes."""
    seen = []

    def observed(*args):
        seen.append([getattr(a, "shape", a) for a in args])
        assert not tf.executing_eagerly()
        return f(*args)

    return tf.function(observed, **options), seen


def test_a_signature_is_traced_once():
    f, seen = traced(lambda x, y: x * y)
    assert f(tf.constant(2.0), tf.constant(3.0)).numpy() == 6
    assert f(tf.constant(4.0), tf.constant(5.0)).numpy() == 20
    assert len(seen) == 1
    assert f(tf.constant([1.0, 2.0]), tf.constant(2.0)).numpy().tolist() == [2, 4]
    assert f(tf.constant(2), tf.constant(3)).dtype == tf.int32
    assert len(seen) == 3


def test_python_values_belong_to_the_signature():
    f, seen = traced(lambda x, power: x**power)
    assert [f(tf.constant(2.0), n).numpy() for n in (2, 3, 2)] == [4, 8, 4]
    assert len(seen) == 2
    g, seen = traced(lambda x: x + 1)
    assert [g(np.float32(n)).numpy() for n in (2, 3)] == [3, 4] and len(seen) == 1


def test_an_input_signature_serves_all_sizes():
    f, seen = traced(tf.reduce_sum, input_signature=[tf.TensorSpec([None], tf.float32)])
    assert [f(tf.ones([n])).numpy() for n in (1, 2, 5)] == [1, 2, 5]
    assert len(seen) == 1 and seen[0][0].as_list() == [None]
    with pytest.raises(ValueError, match="incompatible with input_signature"):
        f(tf.ones([2, 2]))


def test_shapes_may_be_relaxed():
    f, seen = traced(tf.reduce_sum, experimental_relax_shapes=True)
    assert [f(tf.ones([n])).numpy() for n in (1, 2)] == [1, 2]
    assert seen[1][0].as_list() == [None]


def test_structures_go_in_and_come_out():
    @tf.function
    def f(features, scale=2.0):
        return {"twice": features["x"] * scale, "both": (features["x"], features["y"]), "none": None}

    result = f({"x": tf.constant(1.0), "y": tf.constant(5.0)})
    assert result["twice"].numpy() == 2 and result["none"] is None
    assert [t.numpy() for t in result["both"]] == [1, 5]
    assert f({"x": tf.constant(1.0), "y": tf.constant(5.0)}, scale=3.0)["twice"].numpy() == 3


def test_outer_values_are_captured():
    outer = tf.constant([1.0, 2.0])
    f = tf.function(lambda x: x * outer + tf.reduce_sum(outer))
    assert f(tf.constant(2.0)).numpy().tolist() == [5, 7]


def test_variables_are_state_in_the_order_of_the_program():
    v = tf.Variable(1.0)

    @tf.function
    def f(x):
        before = v + 0.0
        v.assign_add(x)
        between = v * 1.0
        v.assign(v * 10.0)
        return before, between, v.read_value()

    assert [t.numpy() for t in f(tf.constant(2.0))] == [1, 3, 30]
    assert v.numpy() == 30
    assert [t.numpy() for t in f(tf.constant(2.0))] == [30, 32, 320]


def test_variables_made_while_tracing_are_made_once():
    made = []

    @tf.function
    def f(x):
        if not made:
            made.append(tf.Variable(5.0))
        return made[0].assign_add(x)

    assert (f(tf.constant(1.0)).numpy(), f(tf.constant(1.0)).numpy()) == (6, 7)


def test_errors_inside_are_the_ops():
    f = tf.function(lambda x, y: tf.matmul(x, y), input_signature=[tf.TensorSpec([None, None], tf.float32)] * 2)
    with pytest.raises(tf.errors.InvalidArgumentError, match="MatMul"):
        f(tf.ones([2, 3]), tf.ones([2, 3]))


def test_tapes_differentiate_calls():
    v = tf.Variable(3.0)
    outer = tf.constant(2.0)
    f = tf.function(lambda x: tf.sin(x * v) * outer)
    x = tf.constant(0.5)
    with tf.GradientTape() as tape:
        tape.watch([x, outer])
        y = f(x) * 10.0
    dx, dv, douter = tape.gradient(y, [x, v, outer])
    np.testing.assert_allclose(dx.numpy(), 10 * np.cos(1.5) * 3 * 2, rtol=1e-5)
    np.testing.assert_allclose(dv.numpy(), 10 * np.cos(1.5) * 0.5 * 2, rtol=1e-5)
    np.testing.assert_allclose(douter.numpy(), 10 * np.sin(1.5), rtol=1e-5)
    assert tape.watched_variables() == (v,)


def test_the_way_back_sees_the_random_numbers_of_the_way_there():
    f = tf.function(lambda x: x * tf.random_uniform([100]))
    x = tf.ones([100])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    np.testing.assert_array_equal(tape.gradient(y, x).numpy(), y.numpy())


def test_a_training_step_is_one_function():
    w = tf.Variable(tf.zeros([2, 1]))
    optimizer = tf.train.AdamOptimizer(0.1)
    x = tf.constant(np.random.RandomState(0).randn(64, 2), tf.float32)
    y = tf.matmul(x, [[1.0], [-2.0]])

    @tf.function
    def step(x, y):
        with tf.GradientTape() as tape:
            loss = tf.losses.mean_squared_error(y, tf.matmul(x, w))
        optimizer.apply_gradients([(tape.gradient(loss, w), w)])
        return loss

    losses = [step(x, y).numpy() for _ in range(200)]
    assert losses[-1] < 1e-3 < losses[0]
    np.testing.assert_allclose(w.numpy(), [[1], [-2]], atol=0.05)


def test_minimize_inside_a_function():
    v = tf.Variable(4.0)
    optimizer = tf.train.GradientDescentOptimizer(0.25)
    step = tf.function(lambda: optimizer.minimize(lambda: v * v, var_list=[v]))
    step()
    assert v.numpy() == 2


def test_functions_call_functions_and_join_graphs():
    inner = tf.function(lambda x: x + 1.0)
    outer = tf.function(lambda x: inner(x) * 2.0)
    assert outer(tf.constant(1.0)).numpy() == 4
    with tf.Graph().as_default(), tf.Session() as session:
        assert session.run(outer(tf.constant(1.0))) == 4


def test_methods_are_traced_for_each_object():
    class Model:
        def __init__(self, factor):
            self.factor = factor

        @function.defun
        def __call__(self, x):
            return x * self.factor

    assert [Model(n)(tf.constant(2.0)).numpy() for n in (2.0, 3.0)] == [4, 6]


def test_concrete_functions():
    f = tf.function(lambda x, n: x * n)
    concrete = f.get_concrete_function(tf.TensorSpec([None], tf.float32), 3)
    assert concrete(tf.constant([1.0, 2.0])).numpy().tolist() == [3, 6]
    assert concrete.output_dtypes == tf.float32 and len(concrete.inputs) == 1
