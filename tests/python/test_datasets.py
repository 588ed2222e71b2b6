"""tf.data from Python: structures of elements, counts that are tensors, arguments that are checked first."""

import collections

import numpy as np
import pytest
import tensorflow as tf

Dataset = tf.data.Dataset


def elements(dataset, limit=20):
    following = dataset.make_one_shot_iterator().get_next()
    found = []
    with tf.Session() as session:
        try:
            while len(found) < limit:
                found.append(session.run(following))
        except tf.errors.OutOfRangeError:
            pass
    return found


def test_zip_takes_nested_structures():
    zipped = Dataset.zip({"a": Dataset.range(1), "b": (Dataset.range(1), Dataset.range(1))})
    assert elements(zipped) == [{"a": 0, "b": (0, 0)}]
    assert zipped.output_types == {"a": tf.int64, "b": (tf.int64, tf.int64)}
    with pytest.raises(TypeError, match=r"Dataset\.zip"):
        Dataset.zip((Dataset.range(1), 5))


def test_elements_keep_their_types():
    Point = collections.namedtuple("Point", ["x", "y"])
    points = Dataset.from_tensor_slices(Point([1, 2], collections.OrderedDict([("b", [3, 4]), ("a", [5, 6])])))
    points = points.map(lambda p: Point(p.x + 1, p.y)).filter(lambda p: p.x > 2).repeat(1).batch(1)
    (element,) = elements(points)
    assert type(element) is Point and type(element.y) is collections.OrderedDict and list(element.y) == ["b", "a"]
    assert element.x == [3] and element.y["a"] == [6]


def test_dicts_may_be_nested():
    nested = Dataset.from_tensors({"a": {"b": 1, "c": (2, 3)}}).map(lambda e: {"d": e, "e": e["a"]["b"]})
    assert elements(nested) == [{"d": {"a": {"b": 1, "c": (2, 3)}}, "e": 1}]


def test_a_list_of_results_is_so_many_components():
    mapped = Dataset.from_tensors(1).map(lambda x: [x, tf.as_string(x)])
    assert mapped.output_types == (tf.int32, tf.string)
    assert elements(mapped) == [(1, b"1")]


def test_counts_may_be_tensors():
    assert elements(Dataset.range(1, 4).flat_map(Dataset.range)) == [0, 0, 1, 0, 1, 2]
    two = tf.constant(2, tf.int64)
    assert [b.tolist() for b in elements(Dataset.range(10).skip(two).take(two * 2).batch(two))] == [[2, 3], [4, 5]]
    assert Dataset.range(4).batch(2, drop_remainder=True).output_shapes.as_list() == [2]
    with pytest.raises(TypeError, match="2.5"):
        Dataset.range(4).batch(2.5)


def test_ranges_near_the_ends_of_int64():
    top = 2**63 - 1
    assert elements(Dataset.range(top - 3, top, 2)) == [top - 3, top - 1]
    assert elements(Dataset.range(-5, top, 2**62)) == [-5, 2**62 - 5, 2**63 - 5]
    assert elements(Dataset.range(0, top, 2).take(2)) == [0, 2]


@pytest.mark.parametrize("padded_shapes", [[], [2, 2]])
def test_padded_shapes_must_have_the_elements_rank(padded_shapes):
    dataset = Dataset.from_tensors(np.arange(1000)).padded_batch(1, padded_shapes=padded_shapes)
    with pytest.raises(tf.errors.InvalidArgumentError, match="same rank"):
        elements(dataset)


def test_padded_batches_of_any_type():
    rows = Dataset.range(1, 3).map(lambda n: tf.fill([n], tf.constant(1, tf.float16)))
    (batch,) = elements(rows.padded_batch(2, padded_shapes=[None]))
    assert batch.dtype == np.float16 and batch.tolist() == [[1, 0], [1, 1]]
