"""Graph functions of tf.nn, tf.math and tf.train, metrics and losses: values are TensorFlow 2.15's."""

import numpy as np
import pytest
import tensorflow as tf

c = tf.constant


def run(made):
    with tf.Session() as session:
        session.run([tf.global_variables_initializer(), tf.local_variables_initializer(), tf.tables_initializer()])
        if isinstance(made, tuple):  # a metric
            session.run(made[1])
            made = made[0]
        return session.run(made)


def metric(name, *arguments, **options):
    return getattr(tf.metrics, name)(*(c(argument) for argument in arguments), **options)


LABELS, PREDICTIONS = [1.0, 0.0, 1.0, 3.0], [[0.9], [0.2], [0.4], [2.0]]
LOGITS, ONE_HOT = [[1.0, 2.0], [3.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]]
CUBE = np.arange(6.0, dtype=np.float32)

CASES = {
    "mse squeezes": (lambda: metric("mean_squared_error", LABELS, PREDICTIONS), 0.3525),
    "weights of rows": (lambda: metric("mean", [[1.0, 2.0], [3.0, 4.0]], weights=c([1.0, 0.0])), 1.5),
    "accuracy": (lambda: metric("accuracy", [1, 0, 1], [[1], [1], [1]], weights=c([[1.0], [2.0], [1.0]])), 0.5),
    "precision": (lambda: metric("precision", [1, 0, 1], [[1], [1], [1]], weights=c([1.0, 2.0, 1.0])), 0.5),
    "cross entropy of axis 0": (
        lambda: tf.nn.softmax_cross_entropy_with_logits(labels=c(ONE_HOT), logits=c(LOGITS), dim=0),
        [2.1269281, 2.1269281],
    ),
    "cross entropy of rank 3": (
        lambda: tf.nn.softmax_cross_entropy_with_logits_v2(labels=c([ONE_HOT]), logits=c([LOGITS]), axis=1),
        [[2.1269281, 2.1269281]],
    ),
    "weighted cross entropy": (
        lambda: tf.nn.weighted_cross_entropy_with_logits(labels=c([1.0, 0.0]), logits=c([-2.0, 3.0]), pos_weight=2.0),
        [4.2538562, 3.0485873],
    ),
    "sparse loss with columns": (
        lambda: tf.losses.sparse_softmax_cross_entropy(c([[0], [1]]), c(LOGITS), weights=c([[1.0], [2.0]])),
        3.7052181,
    ),
    "clip_by_norm": (lambda: tf.clip_by_norm(c([[3.0, 4.0], [6.0, 8.0]]), 5.0, axes=[1]), [[3, 4], [3, 4]]),
    "clip_by_average_norm": (lambda: tf.clip_by_average_norm(c([3.0, 4.0]), 1.0), [1.2, 1.6]),
    "clip_by_global_norm": (lambda: tf.clip_by_global_norm([c([3.0]), c([4.0])], 1.0)[0], [[0.6], [0.8]]),
    "use_norm": (lambda: tf.clip_by_global_norm([c([3.0]), c([4.0])], 1.0, use_norm=c(10.0))[0], [[0.3], [0.4]]),
    "l2_normalize": (lambda: tf.nn.l2_normalize(c([[3.0, 4.0], [0.0, 0.0]]), 1, epsilon=0.5), [[0.6, 0.8], [0, 0]]),
    "moments": (lambda: tf.nn.moments(c([[1.0, 2.0], [3.0, 6.0]]), [0], keep_dims=True)[1], [[1.0, 4.0]]),
    "reduce_logsumexp": (
        lambda: tf.reduce_logsumexp(c([[1.0, 2.0], [3.0, -np.inf]]), 1, keepdims=True),
        [[2.3132617], [3.0]],
    ),
    "tensordot of all": (
        lambda: tf.tensordot(c(CUBE.reshape(2, 3)), c(CUBE.reshape(3, 2)), [[0, 1], [1, 0]]),
        50.0,
    ),
    "tensordot of one": (lambda: tf.tensordot(c(CUBE.reshape(1, 2, 3)), c(CUBE[:3]), 1), [[5.0, 14.0]]),
    "boolean_mask": (lambda: tf.boolean_mask(c([[1, 2, 3], [4, 5, 6]]), [True, False, True], axis=1), [[1, 3], [4, 6]]),
    "sequence_mask of nothing": (lambda: tf.shape(tf.sequence_mask(c([], tf.int32))), [0, 0]),
    "embedding of parts": (
        lambda: tf.nn.embedding_lookup([c([[0.0], [2.0], [4.0]]), c([[1.0], [3.0]])], [4, 1, 3]),
        [[4], [1], [3]],
    ),
    "embedding of parts in order": (
        lambda: tf.nn.embedding_lookup([c([[0.0], [2.0], [4.0]]), c([[1.0], [3.0]])], [4, 1, 3], "div"),
        [[3], [2], [1]],
    ),
    "embedding with max_norm": (
        lambda: tf.nn.embedding_lookup(c([[3.0, 4.0], [0.0, 0.5]]), [[0], [1]], max_norm=1.0),
        [[[0.6, 0.8]], [[0.0, 0.5]]],
    ),
    "exponential_decay": (lambda: tf.train.exponential_decay(0.1, c(15), 10, 0.5), 0.035355341),
    "staircase": (lambda: tf.train.exponential_decay(0.1, c(15), 10, 0.5, staircase=True), 0.05),
    "inverse_time_decay": (lambda: tf.train.inverse_time_decay(0.1, c(15), 10, 0.5), 0.057142857),
    "natural_exp_decay": (lambda: tf.train.natural_exp_decay(0.1, c(15), 10, 0.5, True), 0.060653068),
    "polynomial_decay": (lambda: tf.train.polynomial_decay(0.1, c(5), 10, 0.01, 2.0), 0.0325),
    "polynomial_decay in cycles": (lambda: tf.train.polynomial_decay(0.1, c(15), 10, 0.01, 2.0, cycle=True), 0.015625),
    "piecewise_constant": (lambda: tf.train.piecewise_constant(c(15), [10, 15, 20], [1.0, 0.5, 0.25, 0.1]), 0.5),
    "flatten": (
        lambda: tf.layers.flatten(c(np.arange(8.0).reshape(1, 2, 2, 2)), data_format="channels_first"),
        [[0, 4, 1, 5, 2, 6, 3, 7]],
    ),
    "swish": (lambda: tf.nn.swish(c([-1.0, 2.0])), [-0.26894143, 1.7615942]),
    "matvec": (lambda: tf.linalg.matvec(c([[1.0, 2.0]]), c([3.0, 4.0])), [11.0]),
    "substr of bytes": (lambda: tf.substr(c(["héllo", "abcdef"]), 1, 3), [b"\xc3\xa9l", b"bcd"]),
    "substr of characters": (lambda: tf.substr(c(["héllo"]), 1, 3, unit="UTF8_CHAR"), ["éll".encode()]),
    "pad REFLECT": (lambda: tf.pad(c([1, 2, 3]), [[2, 1]], "REFLECT"), [3, 2, 1, 2, 3, 2]),
}


@pytest.mark.parametrize("name", CASES)
def test_values_are_tensorflows(name):
    make, expected = CASES[name]
    got = run(make())
    if isinstance(expected, list) and isinstance(expected[0], bytes):
        assert got.tolist() == expected
    else:
        np.testing.assert_allclose(got, expected, rtol=2e-6)


@pytest.mark.parametrize(
    "options, expected",
    [({}, 0.83333302), ({"curve": "PR"}, 0.90277755),
     ({"curve": "PR", "summation_method": "careful_interpolation"}, 0.90410602),
     ({"summation_method": "minoring"}, 0.83333302), ({"summation_method": "majoring", "curve": "PR"}, 0.91666639),
     ({"num_thresholds": 5}, 0.83333302), ({"thresholds": [0.3, 0.5]}, 0.66666645)],
)  # fmt: skip
def test_auc(options, expected):
    assert run(metric("auc", [0, 1, 1, 0, 1], [0.1, 0.4, 0.8, 0.6, 0.9], **options)) == pytest.approx(expected, 1e-6)


def test_auc_refuses_what_is_no_probability():
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"predictions must be in \[0, 1\]"):
        run(metric("auc", [0, 1], [0.1, 1.5]))


def test_ranks_known_only_when_it_runs_are_aligned_too():
    labels, predictions = tf.placeholder(tf.float32), tf.placeholder(tf.float32)
    weights = tf.placeholder(tf.float32)
    value, update = tf.metrics.mean_squared_error(labels, predictions, weights=weights)
    with tf.Session() as session:
        session.run(tf.local_variables_initializer())
        session.run(update, {labels: LABELS, predictions: PREDICTIONS, weights: [[1.0], [0.0], [2.0], [1.0]]})
        assert session.run(value) == pytest.approx(0.4325)


@pytest.mark.parametrize(
    "make",
    [lambda w: tf.losses.mean_squared_error(c(ONE_HOT), c(LOGITS), weights=w),
     lambda w: tf.losses.sigmoid_cross_entropy(c(ONE_HOT), c(LOGITS), weights=w),
     lambda w: tf.losses.compute_weighted_loss(c(LOGITS), w), lambda w: tf.metrics.mean(c([LOGITS]), weights=w)],
)  # fmt: skip
def test_weights_that_do_not_fit_are_refused(make):
    with pytest.raises(ValueError, match="weights can not be broadcast to values"):
        make(c([1.0, 0.0]))


def test_weights_are_checked_when_it_runs_where_shapes_are_unknown():
    weights = tf.placeholder(tf.float32)
    loss = tf.losses.mean_squared_error(c(ONE_HOT), c(LOGITS), weights=weights)
    with tf.Session() as session:
        assert session.run(loss, {weights: [[1.0], [0.0]]}) == pytest.approx(2.0)
        for wrong in ([1.0, 0.0], [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]):
            with pytest.raises(tf.errors.InvalidArgumentError):
                session.run(loss, {weights: wrong})


@pytest.mark.parametrize(
    "make, words",
    [(lambda: tf.nn.sigmoid_cross_entropy_with_logits(labels=c([1.0, 0.0]), logits=c([[1.0], [2.0]])), "same shape"),
     (lambda: tf.losses.mean_squared_error(c([1.0, 0.0]), c([[1.0], [2.0]])), "are incompatible"),
     (lambda: tf.losses.hinge_loss(None, c([1.0])), "labels must not be None"),
     (lambda: tf.tensordot(c([[1.0]]), c([[1.0]]), [[5], [0]]), "there is no axis 5"),
     (lambda: tf.boolean_mask(c([1, 2]), True), "mask cannot be scalar"),
     (lambda: tf.boolean_mask(c([1, 2]), [True, False, True]), "are incompatible"),
     (lambda: tf.nn.sparse_softmax_cross_entropy_with_logits(labels=c([[0]]), logits=c([[1.0]])), "Rank mismatch"),
     (lambda: tf.train.piecewise_constant(c(1), [1], [1.0]), "1 less than"),
     (lambda: tf.nn.dropout(c([1.0]), rate=1.5), "rate must be a scalar"),
     (lambda: tf.train.exponential_decay(0.1, None, 1, 0.5), "global_step is required")],
)  # fmt: skip
def test_arguments_that_cannot_be_are_refused_in_words(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_dropout_of_a_noise_shape_drops_rows_together():
    rows = run(tf.nn.dropout(tf.ones([200, 3]), rate=0.25, noise_shape=[200, 1], seed=1))
    assert set(np.unique(rows.round(5))) == {0.0, np.float32(1.33333)}
    assert (rows == rows[:, :1]).all() and 100 < (rows[:, 0] > 0).sum() < 190


def test_layers_dropout_obeys_a_tensor():
    training = tf.placeholder_with_default(False, [])
    dropped = tf.layers.dropout(tf.ones([100]), 0.5, training=training)
    with tf.Session() as session:
        assert session.run(dropped).sum() == 100
        assert 0 < (session.run(dropped, {training: True}) == 0).sum() < 100


def test_a_split_keeps_what_it_is_told_to():
    split = tf.string_split(c(["1,,2", ""]), ",", skip_empty=False)
    assert run(split.values).tolist() == [b"1", b"", b"2"]  # of empty text there is no part
    assert run(tf.string_split(c(["a b", "c"])).indices).tolist() == [[0, 0], [0, 1], [1, 0]]
