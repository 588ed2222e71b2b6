"""What Python passes is converted as 1.15 converts it, or refused in its words."""

import collections

import numpy as np
import pytest
import tensorflow as tf


def run(fetches, feed=None):
    with tf.Session() as session:
        return session.run(fetches, feed)


@pytest.mark.parametrize("dtype", [">f4", ">f8", ">i4", ">i2", ">c8"])
def test_arrays_of_the_other_byte_order_have_their_values(dtype):
    array = np.array([1, 2, 3], dtype)
    placeholder = tf.placeholder(tf.as_dtype(array.dtype.newbyteorder("=")))
    np.testing.assert_array_equal(run(placeholder, {placeholder: array}), [1, 2, 3])
    np.testing.assert_array_equal(run(tf.constant(array)), [1, 2, 3])


@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        (tf.int32, 2**40), (tf.int32, [2**40]), (tf.int64, 2**63), (tf.uint8, 256), (tf.int8, [1, -129]),
        (tf.float32, 1j), (tf.float32, np.array([1j])),
    ],
)  # fmt: skip
def test_fed_numbers_that_do_not_fit_are_refused(dtype, value):
    placeholder = tf.placeholder(dtype)
    with pytest.raises((TypeError, OverflowError)):
        run(placeholder, {placeholder: value})


def test_an_integer_too_large_for_a_feed_is_told_with_both_types():
    placeholder = tf.placeholder(tf.int32)
    with pytest.raises(TypeError, match=r"Type of feed value 1099511627776 .*not compatible with Tensor type int32"):
        run(placeholder, {placeholder: 2**40})


def test_dimensions_and_shapes_are_integers():
    x = tf.zeros([2, 3])
    np.testing.assert_array_equal(run(tf.shape(tf.reshape(x, [-1, x.shape[1]]))), [2, 3])
    np.testing.assert_array_equal(run(tf.reshape(x, [x.shape[1] * 2])), np.zeros(6))
    np.testing.assert_array_equal(run(tf.constant(x.shape)), [2, 3])
    with pytest.raises(ValueError, match="partially known"):
        tf.convert_to_tensor(tf.TensorShape([None, 3]))


def test_sizes_beyond_32_bits():
    assert tf.zeros([2**32]).shape.as_list() == [2**32]
    assert tf.fill([2**40], 1.0).shape.as_list() == [2**40]
    assert tf.tile([1.0], [2**40]).shape.as_list() == [2**40]


def test_what_gives_an_array_keeps_its_type():
    class Column:
        def __array__(self, dtype=None, copy=None):
            return np.array([1.5, 2.5], np.float64 if dtype is None else dtype)

    assert tf.constant(Column()).dtype == tf.float64
    pandas = pytest.importorskip("pandas")
    assert tf.constant(pandas.Series([1, 2], dtype="int64")).dtype == tf.int64
    frame = pandas.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})
    assert tf.data.Dataset.from_tensor_slices(frame).output_shapes.as_list() == [2]


def test_values_that_do_not_suit_name_the_one_that_does_not():
    with pytest.raises(TypeError, match="Expected int32, got 2.5 of type 'float' instead"):
        tf.constant([1, 2.5], tf.int32)
    with pytest.raises(TypeError, match="Expected string, got 1 of type 'int' instead"):
        tf.constant(["a", 1], tf.string)
    with pytest.raises(ValueError, match="Argument must be a dense tensor"):
        tf.constant([[1], [2, 3]])
    with pytest.raises(TypeError, match="Failed to convert object of type"):
        tf.constant(object())


def test_arguments_of_ops_are_refused_in_1_15s_words():
    with pytest.raises(TypeError, match=r"Value passed to parameter 'x' has DataType int32 not in list"):
        tf.exp(tf.constant(1))
    with pytest.raises(TypeError, match=r"Expected int32 passed to parameter 'y' of op 'AddV2', got 0.5"):
        tf.add(tf.constant(1), 0.5)
    with pytest.raises(ValueError, match="None values not supported"):
        tf.exp(None)
    with pytest.raises(TypeError):
        tf.constant(1) + 0.5
    with pytest.raises(TypeError, match="Expected bool for argument"):
        tf.matmul([[1.0]], [[1.0]], transpose_a=3)


def test_errors_are_of_1_15s_classes():
    session = tf.Session()
    session.close()
    with pytest.raises(RuntimeError, match="closed Session"):
        session.run(tf.constant(1))
    with tf.Graph().as_default() as graph:
        graph.finalize()
        with pytest.raises(RuntimeError, match="finalized"):
            tf.constant(1)
    with pytest.raises(ValueError, match="not a valid"):
        tf.constant(1, name="a b")


def test_shapes_that_do_not_fit_name_the_op():
    with pytest.raises(ValueError, match=r"must be equal, but are 2 and 3 for '.*' \(op: 'Add.*'\) with input shapes"):
        tf.zeros([2]) + tf.zeros([3])


def test_results_are_named():
    top = tf.nn.top_k([1.0, 5.0, 3.0], 2)
    np.testing.assert_array_equal(run(top.indices), [1, 2])
    assert run(tf.unique([3, 1, 3])).idx.tolist() == [0, 1, 0]


def test_fetched_mappings_keep_their_types():
    a = tf.constant(1)
    fetched = run(collections.OrderedDict([("b", a), ("a", a)]))
    assert type(fetched) is collections.OrderedDict and list(fetched) == ["b", "a"]
    fetched = run(collections.defaultdict(list, {"x": a}))
    assert type(fetched) is collections.defaultdict and fetched["y"] == []


def test_constants_repeat_their_last_value():
    assert run(tf.constant([1, 2], shape=[5])).tolist() == [1, 2, 2, 2, 2]
    assert run(tf.constant(["a", "b"], shape=[3])).tolist() == [b"a", b"b", b"b"]
    with pytest.raises(ValueError, match="Too many elements"):
        tf.constant([1, 2, 3], shape=[2])


def test_indices():
    x = tf.constant([10, 20, 30])
    assert run(x[tf.argmax([1, 5, 2])]) == 20
    assert run(x[tf.constant(1, tf.int64) :]).tolist() == [20, 30]
    assert run(x[np.array([True, False, True])]).tolist() == [10, 30]
    with pytest.raises(ValueError, match="incompatible|not compatible"):
        x[np.array([True])]


def test_axes_of_reductions():
    x = tf.constant([[1.0, 2.0], [3.0, 4.0]])
    for bad in ([0, 0], [1, -1]):
        with pytest.raises(ValueError, match="duplicate dimension"):
            tf.reduce_sum(x, bad)
    with pytest.raises(TypeError):
        tf.reduce_sum(x, 1.0)
    with pytest.raises(ValueError, match="Cannot specify both"):
        tf.reduce_sum(x, axis=0, reduction_indices=1)


def test_means_of_integers_do_not_wrap():
    assert run(tf.reduce_mean(tf.constant([200, 100], tf.uint8))) == 150
    assert run(tf.reduce_mean(tf.constant(np.ones(256, np.uint8)))) == 1
    assert run(tf.reduce_mean(tf.constant([2**31 - 1, 1]))) == 2**30


def test_print_shows_brackets(capfd):
    run(tf.Print(tf.constant(1), [tf.constant([[1, 2], [3, 4]])], summarize=10))
    assert "[[1 2][3 4]]" in capfd.readouterr().err
