"""tf.debugging's assertions, tf.lookup's tables, and specs of values."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.data.util import structure
from tensorflow.python.framework import tensor_spec, type_spec
from tensorflow.python.util import nest


def run(fetch, feed=None):
    with tf.Session() as session:
        session.run(tf.tables_initializer())
        return session.run(fetch, feed)


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [("equal", (1, 1), (1, 2)), ("none_equal", (1, 2), (1, 1)), ("less", (1, 2), (2, 2)), ("greater", (2, 1), (1, 1)),
     ("less_equal", (2, 2), (3, 2)), ("greater_equal", (2, 2), (1, 2)), ("near", (1.0, 1.0), (1.0, 1.1)),
     ("positive", (1,), (0,)), ("negative", (-1,), (0,)), ("non_negative", (0,), (-1,)), ("non_positive", (0,), (1,))],
)  # fmt: skip
def test_an_assertion_about_values_holds_and_fails(name, right, wrong):
    check = getattr(tf, f"assert_{name}")
    fed = [tf.placeholder(tf.float32, []) for _ in right]
    op = check(*fed, message="which one")
    run(op, dict(zip(fed, right)))
    with pytest.raises(tf.errors.InvalidArgumentError, match="which one"):
        run(op, dict(zip(fed, wrong)))
    if name != "near":
        with pytest.raises(tf.errors.InvalidArgumentError):
            check(*[tf.constant(w) for w in wrong])


def test_assertions_about_ranks_and_dtypes_are_static_where_they_can_be():
    x = tf.placeholder(tf.float32, [None, 2])
    tf.assert_rank(x, 2), tf.assert_rank_at_least(x, 1), tf.assert_rank_in(x, [1, 2]), tf.assert_type(x, tf.float32)
    with pytest.raises(ValueError, match="must have rank 3.*Received rank 2"):
        tf.assert_rank(x, 3)
    with pytest.raises(TypeError, match='Expected "x" to be integer type'):
        tf.assert_integer(x)
    unknown = tf.placeholder(tf.float32)
    with pytest.raises(tf.errors.InvalidArgumentError, match="must have rank"):
        run(tf.assert_rank(unknown, 1), {unknown: 1.0})


def test_shapes_share_symbols():
    x, y = tf.placeholder(tf.float32, [None, None]), tf.placeholder(tf.float32, [None])
    op = tf.debugging.assert_shapes([(x, ("N", 2)), (y, ("N",))])
    run(op, {x: np.zeros([3, 2]), y: np.zeros(3)})
    with pytest.raises(tf.errors.InvalidArgumentError):
        run(op, {x: np.zeros([3, 2]), y: np.zeros(4)})
    with pytest.raises(ValueError, match="must have size 3.  Received size 2"):
        tf.debugging.assert_shapes([(tf.zeros([2]), (3,))])


def test_monotonic():
    assert run([tf.is_non_decreasing([1, 1, 2]), tf.is_strictly_increasing([1, 1, 2]), tf.is_non_decreasing([])]) == [
        True, False, True]  # fmt: skip


def test_tables_map_words_to_ids_and_back(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("emerson\nlake\npalmer\n")
    words = tf.constant(["lake", "king", "emerson"])
    from_file = tf.contrib.lookup.index_table_from_file(str(path), num_oov_buckets=2)
    from_list = tf.contrib.lookup.index_table_from_tensor(["emerson", "lake", "palmer"], default_value=-7)
    back = tf.contrib.lookup.index_to_string_table_from_tensor(["emerson", "lake", "palmer"])
    ids, known, names, size = run(
        [from_file.lookup(words), from_list.lookup(words), back.lookup(tf.constant([2, 9], tf.int64)), from_file.size()]
    )
    assert ids[0] == 1 and ids[2] == 0 and ids[1] in (3, 4)
    assert known.tolist() == [1, -7, 0]
    assert names.tolist() == [b"palmer", b"UNK"]
    assert size == 5


def test_tables_refuse_other_dtypes():
    table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["a"], [1]), -1)
    with pytest.raises(TypeError, match="Signature mismatch. Keys must be dtype <dtype: 'string'>"):
        table.lookup(tf.constant([1]))
    with pytest.raises(ValueError, match="vocab_size must be greater than 0"):
        tf.contrib.lookup.index_table_from_file("words", vocab_size=0)


def test_sparse_keys_give_sparse_values():
    table = tf.contrib.lookup.index_table_from_tensor(["a", "b"])
    found = run(table.lookup(tf.SparseTensor([[0, 1]], ["b"], [2, 2])))
    assert found.values.tolist() == [1] and found.indices.tolist() == [[0, 1]]


def test_specs_describe_values():
    spec = type_spec.type_spec_from_value(tf.zeros([2, 3]))
    assert spec == tf.TensorSpec([2, 3], tf.float32)
    assert tf.TensorSpec([None, 3], tf.float32).is_compatible_with(spec)
    assert not tf.TensorSpec([None, 4], tf.float32).is_compatible_with(spec)
    merged = spec.most_specific_compatible_type(tf.TensorSpec([5, 3], tf.float32))
    assert merged.shape.as_list() == [None, 3]
    with pytest.raises(ValueError, match="minimum is not compatible"):
        tensor_spec.BoundedTensorSpec([2], tf.float32, [0, 0, 0], 1)
    sparse = tf.SparseTensorSpec([3], tf.int32)
    parts = structure.type_spec_from_value({"x": (tf.SparseTensor([[0]], [1], [3]), 1.0)})
    assert structure.are_compatible(parts, {"x": (sparse, tf.TensorSpec([], tf.float32))})


def test_composite_tensors_are_taken_apart_when_asked():
    sparse = tf.SparseTensor([[0]], [1], [3])
    assert nest.flatten([sparse]) == [sparse]
    assert len(nest.flatten([sparse], expand_composites=True)) == 3
    again = nest.map_structure(tf.identity, sparse, expand_composites=True)
    assert isinstance(again, tf.SparseTensor)


def test_nests_are_compared_and_mapped():
    assert nest.map_structure(lambda a, b: a + b, {"b": (1, 2), "a": [3]}, {"b": (10, 20), "a": [30]}) == {
        "b": (11, 22), "a": [33]}  # fmt: skip
    with pytest.raises(TypeError, match="don't have the same sequence type"):
        nest.assert_same_structure((1, 2), [1, 2])
    with pytest.raises(ValueError, match="don't have the same nested structure"):
        nest.assert_same_structure((1, (2,)), (1, 2))
    assert nest.flatten_with_joined_string_paths({"a": [1, 2]}) == [("a/0", 1), ("a/1", 2)]
    assert nest.flatten_up_to({"a": 0}, {"a": [1, 2]}) == [[1, 2]]
    with pytest.raises(ValueError, match="flat_sequence had 3 elements"):
        nest.pack_sequence_as([1, 2], [1, 2, 3])


def test_grids_and_repeats():
    x, y = run(tf.meshgrid([1, 2, 3], [4, 5]))
    nx, ny = np.meshgrid([1, 2, 3], [4, 5])
    assert (x == nx).all() and (y == ny).all()
    a = np.arange(6).reshape(2, 3)
    for repeats, axis in ((2, 0), ([1, 0, 2], 1), (3, None), ([2, 1], -2)):
        assert run(tf.repeat(a, repeats, axis)).tolist() == np.repeat(a, repeats, axis).tolist()


def test_shapes_of_unknown_sizes_are_equal_to_none():
    assert tf.TensorShape([1, 2]) == [1, 2]
    assert tf.TensorShape([None]) != tf.TensorShape([None])
    assert tf.TensorShape([None, 2]).most_specific_compatible_shape([3, 2]).as_list() == [None, 2]
    assert tf.broadcast_static_shape(tf.TensorShape([2, 1]), tf.TensorShape([3])).as_list() == [2, 3]


def test_dataset_options_are_typed():
    options = tf.data.Options()
    options.experimental_optimization.map_fusion = True
    with pytest.raises(AttributeError, match="Cannot set the property nonsense on Options"):
        options.nonsense = 1
    with pytest.raises(TypeError, match='Property "experimental_slack" must be of type'):
        options.experimental_slack = 3
    other = tf.data.Options()
    other.experimental_slack = True
    merged = options.merge(other)
    assert merged.experimental_slack and merged.experimental_optimization.map_fusion


def test_variables_are_scattered_into():
    for use_resource in (False, True):
        v = tf.Variable(np.ones([3, 2], np.float32), use_resource=use_resource)
        steps = [
            tf.scatter_mul(v, [1], [[3.0, 4.0]]), tf.scatter_min(v, [1], [[2.0, 9.0]]), tf.scatter_div(v, [2], 2.0),
            tf.scatter_nd_add(v, [[0, 1]], [5.0]), v.scatter_max(tf.IndexedSlices(tf.constant([[7.0, 0.0]]), [0])),
            tf.batch_scatter_update(v, [[1], [0], [1]], [[8.0], [9.0], [6.0]]),
        ]  # fmt: skip
        with tf.Session() as session:
            session.run(v.initializer)
            for step in steps:
                value = session.run(step)
        assert value.tolist() == [[7.0, 8.0], [9.0, 4.0], [0.5, 6.0]]


def test_sums_of_segments_and_norms():
    data = tf.constant([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    mean, root, norm, value, clipped = run([
        tf.math.unsorted_segment_mean(data, [0, 0, 2], 3), tf.math.unsorted_segment_sqrt_n(data, [0, 0, 2], 3),
        tf.math.reduce_euclidean_norm(data, axis=1, keepdims=True), tf.math.polyval([1.0, 2.0, 3.0], 2.0),
        tf.clip_by_average_norm(tf.constant([-3.0, 0.0, 0.0, 4.0, 0.0, 0.0]), 0.5),
    ])  # fmt: skip
    assert mean.tolist() == [[2.0, 3.0], [0.0, 0.0], [5.0, 6.0]]
    np.testing.assert_allclose(root, [[4.0 / 2**0.5, 6.0 / 2**0.5], [0.0, 0.0], [5.0, 6.0]], rtol=1e-6)
    np.testing.assert_allclose(norm, [[5**0.5], [5.0], [61**0.5]], rtol=1e-6)
    assert value == 11.0
    np.testing.assert_allclose(clipped, [-1.8, 0.0, 0.0, 2.4, 0.0, 0.0], rtol=1e-6)


def test_ensure_shape_is_known_and_checked():
    x = tf.placeholder(tf.float32)
    y = tf.ensure_shape(x, [None, 2])
    assert y.shape.as_list() == [None, 2]
    assert run(y, {x: [[1.0, 2.0]]}).tolist() == [[1.0, 2.0]]
    with pytest.raises(tf.errors.InvalidArgumentError, match="is not compatible with expected shape"):
        run(y, {x: [1.0, 2.0]})
    with pytest.raises(ValueError):
        tf.ensure_shape(tf.zeros([3]), [4])


def test_datasets_keep_options_and_count_elements():
    options = tf.data.Options()
    options.experimental_slack = True
    dataset = tf.data.Dataset.from_tensor_slices([[1, 2], [3, 4]]).with_options(options)
    assert dataset.options().experimental_slack
    element = dataset.unbatch().enumerate(5).make_one_shot_iterator().get_next()
    with tf.Session() as session:
        assert [session.run(element) for _ in range(4)] == [(5, 1), (6, 2), (7, 3), (8, 4)]


def test_counters_end_at_their_limit():
    for use_resource in (False, True):
        v = tf.Variable(0, use_resource=use_resource)
        following = v.count_up_to(2)
        with tf.Session() as session:
            session.run(v.initializer)
            assert [session.run(following) for _ in range(2)] == [0, 1]
            with pytest.raises(tf.errors.OutOfRangeError, match="Reached limit of 2"):
                session.run(following)
            assert session.run(v) == 2
