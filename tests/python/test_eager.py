"""Eager execution from Python: tensors that are values, variables, optimizers, tapes."""

import gc
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.eager import backprop, context


@pytest.fixture(autouse=True)
def eager():
    with context.eager_mode():
        yield


def test_tensors_have_values():
    x = tf.constant([[1.0, 2.0], [3.0, 4.0]])
    assert tf.executing_eagerly() and isinstance(x, tf.Tensor)
    assert (x.shape, x.dtype) == ((2, 2), tf.float32)
    np.testing.assert_array_equal(x.numpy(), [[1, 2], [3, 4]])
    np.testing.assert_array_equal(np.array(x), [[1, 2], [3, 4]])
    assert [row.numpy().tolist() for row in x] == [[1, 2], [3, 4]] and len(x) == 2
    assert repr(tf.constant(1.5)).endswith("shape=(), dtype=float32, numpy=1.5>")
    assert str(tf.constant([1, 2])) == "tf.Tensor([1 2], shape=(2,), dtype=int32)"


def test_scalars_pass_as_python_numbers():
    three = tf.constant(3)
    assert int(three) == 3 and float(three) == 3.0 and bool(three) and [10, 20, 30, 40][three] == 40
    assert tf.constant(b"text").numpy() == b"text"
    with pytest.raises(TypeError, match="no `len"):
        len(three)
    with pytest.raises(TypeError):
        [1, 2][tf.constant(1.0)]


@pytest.mark.parametrize("y", [2, 2.0, np.float32(2), "tensor"])
def test_operators_take_numbers_arrays_and_tensors(y):
    x = tf.constant([3.0, 5.0])
    y = tf.constant(2.0) if isinstance(y, str) else y
    for function in (
        lambda x, y: x + y, lambda x, y: y - x, lambda x, y: x * y, lambda x, y: y / x, lambda x, y: x**y,
        lambda x, y: x > y, lambda x, y: x // y, lambda x, y: y % x, lambda x, y: -x + abs(y),
    ):  # fmt: skip
        expected = function(np.array([3, 5], np.float32), np.float32(2))
        np.testing.assert_allclose(function(x, y).numpy(), expected, rtol=1e-6)


def test_an_integer_tensor_and_a_fraction_do_not_mix():
    with pytest.raises((TypeError, ValueError, tf.errors.InvalidArgumentError)):
        tf.constant([1, 2]) + tf.constant(0.5)


def test_a_tensor_decides_the_type_of_values_before_it():
    assert tf.add(1, tf.constant(2.0)).dtype == tf.float32


def test_errors_are_the_ops():
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"Incompatible shapes: \[2\] vs. \[3\] \[Op:AddV2\]"):
        tf.constant([1, 2]) + tf.constant([1, 2, 3])


def test_lists_and_many_results():
    x = tf.constant([5.0, 1.0, 3.0])
    values, indices = tf.nn.top_k(x, 2)
    assert (values.numpy().tolist(), indices.numpy().tolist()) == ([5, 3], [0, 2])
    assert tf.concat([x, x], 0).shape == (6,)
    assert [part.numpy().tolist() for part in tf.split(x, 3)] == [[5], [1], [3]]
    assert tf.stack([x[0], 2.0]).numpy().tolist() == [5, 2]


def test_a_graph_inside_is_a_graph():
    value = tf.constant(2.0)
    with tf.Graph().as_default():
        assert not tf.executing_eagerly()
        y = tf.constant(1.0) + 1.0
        with pytest.raises(AttributeError):
            y.numpy()
        with tf.Session() as session:
            assert session.run(y) == 2.0
        with tf.init_scope():
            assert not tf.executing_eagerly()
    with context.graph_mode():
        assert not tf.executing_eagerly()
    assert (value + 1).numpy() == 3


def test_what_needs_a_graph_says_so():
    x = tf.constant(1.0)
    for name in ("name", "op", "graph"):
        with pytest.raises(AttributeError, match="meaningless when eager execution is enabled"):
            getattr(x, name)
    with pytest.raises(NotImplementedError, match="numpy"):
        x.eval()
    with pytest.raises(RuntimeError):
        tf.Session()
    with pytest.raises(RuntimeError):
        tf.train.GradientDescentOptimizer(0.1).minimize(x)


def test_variables_are_state():
    v = tf.Variable([1.0, 2.0])
    before = v.read_value()
    assert v.assign_add([1.0, 1.0]).numpy().tolist() == [2, 3]
    assert before.numpy().tolist() == [1, 2] and (v * 2).numpy().tolist() == [4, 6]
    v.assign([0.0, 0.0])
    assert v.numpy().tolist() == [0, 0] and v.shape == (2,)
    assert tf.get_variable("w", [3], initializer=tf.ones_initializer()).numpy().tolist() == [1, 1, 1]


def test_memory_does_not_grow_with_calls():
    v = tf.Variable(tf.ones([4]))
    optimizer = tf.train.AdamOptimizer(0.1)
    graph = tf.get_default_graph()

    def step():
        with tf.GradientTape() as tape:
            loss = tf.losses.mean_squared_error(tf.zeros([4]), v * tf.nn.relu(v))
        optimizer.apply_gradients([(tape.gradient(loss, v), v)])
        tf.constant(1.0) + 1.0
        return len(graph.get_operations())

    counts = [step() for _ in range(5)]
    gc.collect()
    assert max(counts) < 50, counts


# ------------------------------------------------------------------------------------------------------------- tapes


def test_tapes_differentiate():
    x = tf.constant(3.0)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = x * x
        z = y * x
    assert tape.gradient(y, x).numpy() == 6 and tape.gradient(z, x).numpy() == 27
    assert tape.gradient(z, {"x": x, "y": y})["y"].numpy() == 3
    assert tape.gradient(y, tf.constant(1.0)) is None
    zero = tape.gradient(y, tf.constant([1.0, 2.0]), unconnected_gradients=tf.UnconnectedGradients.ZERO)
    assert zero.numpy().tolist() == [0, 0]
    assert tape.gradient(y, x, output_gradients=tf.constant(10.0)).numpy() == 60


def test_a_tape_gives_gradients_once():
    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x * x
    tape.gradient(y, x)
    with pytest.raises(RuntimeError, match="once on non-persistent tapes"):
        tape.gradient(y, x)


def test_gradients_of_gradients():
    x = tf.constant(2.0)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = x**3
        first = inner.gradient(y, x)
    assert (first.numpy(), outer.gradient(first, x).numpy()) == (12, 12)


def test_variables_are_watched_when_read():
    v, fixed = tf.Variable(2.0), tf.Variable(3.0, trainable=False)
    with tf.GradientTape() as tape:
        y = v * v * fixed
    gradients = tape.gradient(y, [v, fixed])
    assert gradients[0].numpy() == 12 and gradients[1] is None
    assert tape.watched_variables() == (v,)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        y = v * v
    assert tape.gradient(y, v) is None


def test_rows_of_a_variable_have_sparse_gradients():
    table = tf.Variable(tf.ones([5, 2]))
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(tf.gather(table, [1, 3]) * 2.0)
    gradient = tape.gradient(y, table)
    dense = tf.convert_to_tensor(gradient).numpy()
    np.testing.assert_array_equal(dense, [[0, 0], [2, 2], [0, 0], [2, 2], [0, 0]])


def test_stop_recording_and_reset():
    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        with tape.stop_recording():
            hidden = x * x
        y = hidden * x
    assert tape.gradient(y, x).numpy() == 9
    with tf.GradientTape() as tape:
        tape.watch(x)
        tape.reset()
        y = x * x
    assert tape.gradient(y, x) is None


def test_jacobians():
    x = tf.constant([1.0, 2.0])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = x * x
    assert tape.jacobian(y, x).numpy().tolist() == [[2, 0], [0, 4]]


def test_gradients_of_functions():
    f = backprop.gradients_function(lambda x, y: x * y)
    assert [g.numpy() for g in f(2.0, 3.0)] == [3, 2]
    value, (gradient,) = backprop.val_and_grad_function(lambda x, y: x * y, [1])(2.0, 3.0)
    assert (value.numpy(), gradient.numpy()) == (6, 2)
    v = tf.Variable(4.0)
    [(gradient, variable)] = backprop.implicit_grad(lambda: v * v)()
    assert gradient.numpy() == 8 and variable is v


@pytest.mark.parametrize(
    "optimizer",
    [
        tf.train.GradientDescentOptimizer(0.1), tf.train.MomentumOptimizer(0.02, 0.9), tf.train.AdamOptimizer(0.1),
        tf.train.AdagradOptimizer(1.0), tf.train.RMSPropOptimizer(0.05),
    ],
)  # fmt: skip
def test_optimizers_minimise_functions(optimizer):
    v = tf.Variable([4.0, -2.0])
    step = tf.Variable(0, dtype=tf.int64, trainable=False)
    for _ in range(200):
        optimizer.minimize(lambda: tf.reduce_sum((v - 1.0) ** 2), global_step=step)
    np.testing.assert_allclose(v.numpy(), [1, 1], atol=0.1)
    assert step.numpy() == 200


def test_slots_belong_to_their_variable():
    optimizer = tf.train.MomentumOptimizer(0.1, 0.9)
    a, b = tf.Variable(1.0), tf.Variable(2.0)  # both are called "Variable"
    optimizer.apply_gradients([(tf.constant(1.0), a), (tf.constant(5.0), b)])
    assert (optimizer.get_slot(a, "momentum").numpy(), optimizer.get_slot(b, "momentum").numpy()) == (1, 5)


def test_layers_share_their_variables_between_calls():
    layer = tf.layers.Dense(3, kernel_initializer=tf.ones_initializer())
    x = tf.ones([2, 4])
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(layer(x) + layer(x))
    assert y.numpy() == 48
    kernel, bias = tape.gradient(y, layer.variables)
    assert kernel.numpy().tolist() == [[4] * 3] * 4 and bias.numpy().tolist() == [4] * 3


# ----------------------------------------------------------------------------------------------------------- datasets


def test_datasets_are_iterated_over():
    offset = tf.constant(10, tf.int64)
    dataset = tf.data.Dataset.range(5).map(lambda x: x * 2 + offset).filter(lambda x: x > 10).batch(3)
    assert [batch.numpy().tolist() for batch in dataset] == [[12, 14, 16], [18]]
    assert [batch.numpy().tolist() for batch in dataset] == [[12, 14, 16], [18]]  # again from the start
    iterator = dataset.make_one_shot_iterator()
    assert iterator.get_next().numpy().tolist() == [12, 14, 16] and next(iterator).shape == (1,)
    with pytest.raises(tf.errors.OutOfRangeError):
        iterator.get_next()
    with pytest.raises(RuntimeError, match="eager"):
        dataset.make_initializable_iterator()


def test_structured_elements_keep_their_structure():
    dataset = tf.data.Dataset.from_tensor_slices(({"a": [1, 2], "b": [b"x", b"y"]}, tf.constant([0.5, 1.5])))
    features, label = next(iter(dataset.repeat(2).take(3)))
    assert (features["a"].numpy(), features["b"].numpy(), label.numpy()) == (1, b"x", 0.5)
    assert len(list(dataset.repeat(2).take(3))) == 3
    zipped = tf.data.Dataset.zip((tf.data.Dataset.range(2), dataset.map(lambda f, label: label)))
    assert [(int(i), float(x)) for i, x in zipped] == [(0, 0.5), (1, 1.5)]


def test_a_program_may_run_eagerly_as_a_whole():
    program = (
        "import threading, tensorflow as tf\n"
        "tf.enable_eager_execution()\n"
        "values = []\n"
        "thread = threading.Thread(target=lambda: values.append((tf.constant(1.0) + 1.0).numpy()))\n"
        "thread.start(); thread.join()\n"
        "assert tf.executing_eagerly() and values == [2.0]\n"
        "with tf.Graph().as_default():\n"
        "    assert not tf.executing_eagerly()\n"
        "    assert tf.Session().run(tf.constant(1.0) + 1.0) == 2.0\n"
        "assert float(tf.layers.dense(tf.ones([1, 2]), 3)[0, 0]) is not None\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)


def test_the_devices_are_the_cpu():
    from tensorflow.python.framework import config

    assert [d.device_type for d in config.list_physical_devices()] == ["CPU"]
    assert config.list_physical_devices("GPU") == [] and config.list_logical_devices("CPU")[0].name == "/device:CPU:0"


def test_the_status_of_an_op_is_an_error_of_its_class():
    from tensorflow.python.eager import core

    error = core._status_to_exception(3, "wrong")
    assert isinstance(error, tf.errors.InvalidArgumentError) and error.message == "wrong"
    assert "InvalidArgumentError: wrong" in str(core._NotOkStatusException("wrong", 3))


def test_contrib_eager_shows_the_same_functions():
    tfe = tf.contrib.eager
    v = tfe.Variable(4.0)
    assert tfe.executing_eagerly() and tfe.num_gpus() == 0
    assert tfe.implicit_gradients(lambda: v * v)()[0][0].numpy() == 8
    assert tfe.gradients_function(lambda x: x * x)(3.0)[0].numpy() == 6
    assert tfe.defun(lambda x: x + v)(tf.constant(1.0)).numpy() == 5


def test_an_eager_tensor_is_made_of_a_value():
    from tensorflow.python.framework import ops

    made = ops.EagerTensor([1, 2], device=None, dtype=tf.float64)
    assert made.dtype == tf.float64 and made.numpy().tolist() == [1, 2]
    with pytest.raises(TypeError):
        ops.EagerTensor("text", device=None, dtype=tf.float32)
