"""Variables and their scopes: names, sharing, assignment, initial values."""

import numpy as np
import pytest
import tensorflow as tf


def initialized():
    session = tf.Session()
    session.run(tf.global_variables_initializer())
    return session


def test_names_of_a_variable_and_its_nodes():
    with tf.variable_scope("net"):
        v = tf.get_variable("w", [2, 3])
    assert v.name == "net/w:0"
    assert v.initializer.name == "net/w/Assign"
    assert v.value().name == "net/w/read:0"
    assert v.initial_value.op.name.startswith("net/w/Initializer/")
    assert v.shape.as_list() == [2, 3] and v.dtype.base_dtype == tf.float32
    assert tf.trainable_variables() == tf.global_variables() == [v]


def test_variables_are_shared_as_the_scope_says():
    with tf.variable_scope("a"):
        v = tf.get_variable("v", [1])
        with pytest.raises(ValueError, match="already exists"):
            tf.get_variable("v", [1])
    with tf.variable_scope("a", reuse=True):
        assert tf.get_variable("v", [1]) == v
        with pytest.raises(ValueError, match="does not exist"):
            tf.get_variable("other", [1])
    with tf.variable_scope("a") as scope:
        scope.reuse_variables()
        assert tf.get_variable("v", [1]) == v
    with tf.variable_scope("a", reuse=tf.AUTO_REUSE):
        assert tf.get_variable("v", [1]) == v
        with pytest.raises(ValueError, match="specified shape"):
            tf.get_variable("v", [2])
        tf.get_variable("new", [1])
    assert [x.name for x in tf.global_variables()] == ["a/v:0", "a/new:0"]


def test_variable_scopes_can_be_reentered_and_made_unique():
    with tf.variable_scope("a") as a:
        pass
    with tf.variable_scope("b"), tf.variable_scope(a):
        assert tf.get_variable("v", [1]).name == "a/v:0"
    for expected in ("block/v:0", "block_1/v:0"):
        with tf.variable_scope(None, default_name="block"):
            assert tf.get_variable("v", [1]).name == expected


@pytest.mark.parametrize(
    ("initializer", "expected"),
    [(tf.zeros_initializer(), [0, 0]), (tf.ones_initializer, [1, 1]), (tf.constant_initializer(2.5), [2.5, 2.5]),
     (tf.constant_initializer([1, 2]), [1, 2]),
     (lambda shape, dtype=None, partition_info=None: tf.fill(shape, 7.0), [7, 7])],
)  # fmt: skip
def test_initializers(initializer, expected):
    v = tf.get_variable("v", [2], initializer=initializer)
    assert initialized().run(v).tolist() == expected


def test_a_value_as_initializer_gives_shape_and_type():
    v = tf.get_variable("v", initializer=np.array([1, 2], np.int64))
    assert (v.shape.as_list(), v.dtype.base_dtype) == ([2], tf.int64)
    assert initialized().run(v).tolist() == [1, 2]
    with pytest.raises(ValueError, match="do not specify shape"):
        tf.get_variable("w", [2], initializer=tf.constant([1.0, 2.0]))


def test_seeds_make_initial_values_reproducible():
    def draw():
        with tf.Graph().as_default():
            tf.set_random_seed(7)
            v = tf.get_variable("v", [4], initializer=tf.random_normal_initializer(seed=1))
            return initialized().run(v).tolist()

    assert draw() == draw()


def test_assignment():
    v = tf.Variable([1.0, 2.0], name="v")
    assert isinstance(v, tf.Variable) and v.name == "v:0"
    session = initialized()
    assert session.run(v.assign_add([1, 1])).tolist() == [2, 3]
    assert session.run(tf.assign(v, [5, 6])).tolist() == [5, 6]
    assert session.run(v.assign_sub([1, 1])).tolist() == [4, 5]
    v.load([7, 8], session)
    assert session.run(v).tolist() == [7, 8]
    assert session.run(v + 1).tolist() == [8, 9]
    assert session.run(v[0]) == 7


def test_resource_variables_behave_alike():
    v = tf.get_variable("v", [], initializer=tf.zeros_initializer(), use_resource=True)
    session = initialized()
    session.run(v.assign_add(2.0))
    assert session.run(v) == 2.0


def test_custom_getters_see_the_full_name():
    seen = []

    def getter(getter, name, *args, **kwargs):
        seen.append(name)
        return getter(name, *args, **kwargs)

    with tf.variable_scope("s", custom_getter=getter):
        tf.get_variable("v", [1])
    assert seen == ["s/v"]


def test_regularizers_add_losses():
    with tf.variable_scope("s", regularizer=lambda w: tf.reduce_sum(tf.abs(w))):
        tf.get_variable("v", initializer=tf.constant([1.0, -2.0]))
    (loss,) = tf.losses.get_regularization_losses()
    assert initialized().run(loss) == 3.0
