"""No argument is taken and ignored: every public function is called with each argument away from its default, and the
result, the graph or an error must show it. Arguments that cannot show in one process on one CPU are listed with why."""

import inspect

import numpy as np
import pytest
import tensorflow as tf

c = tf.constant

# They name, place or schedule nodes, or speak of devices and replicas that there is one of.
UNSEEN = {
    "name": "of the nodes", "scope": "of the nodes", "use_locking": "an attribute of the update",
    "validate_indices": "an id outside is an error anyway", "shift": "not used by TensorFlow 1.15 either",
    "gate_gradients": "schedules the same sums", "aggregation_method": "schedules the same sums",
    "colocate_gradients_with_ops": "places the same nodes", "synchronization": "one replica",
    "aggregation": "one replica", "sharded": "one shard on one device", "restore_sequentially": "schedules",
    "save_relative_paths": "paths are relative anyway", "metrics_collections": "seen in collections",
    "updates_collections": "seen in collections", "loss_collection": "seen in collections", "_sentinel": "forces names",
}  # fmt: skip

X, Y = [[0.9, 0.3], [0.2, 0.1]], [[1.0, 0.0], [1.0, 1.0]]
WEIGHTS = {"weights": [[1.0], [3.0]], "reduction": tf.losses.Reduction.SUM}

# The function, what it is called with, and for each of its other arguments a value that must show.
FUNCTIONS = {
    "losses.mean_squared_error": ([Y, X], WEIGHTS),
    "losses.absolute_difference": ([Y, X], WEIGHTS),
    "losses.log_loss": ([Y, X], {**WEIGHTS, "epsilon": 0.1}),
    "losses.huber_loss": ([Y, X], {**WEIGHTS, "delta": 0.1}),
    "losses.hinge_loss": ([Y, X], WEIGHTS),
    "losses.sigmoid_cross_entropy": ([Y, X], {**WEIGHTS, "label_smoothing": 0.2}),
    "losses.softmax_cross_entropy": ([Y, X], {"weights": [1.0, 3.0], "reduction": "none", "label_smoothing": 0.2}),
    "losses.sparse_softmax_cross_entropy": ([[0, 1], X], {"weights": [1.0, 3.0], "reduction": "none"}),
    "losses.compute_weighted_loss": ([X], WEIGHTS),
    "nn.softmax_cross_entropy_with_logits_v2": ([Y, X], {"axis": 0, "dim": 0}),
    "nn.l2_normalize": ([X], {"axis": 1, "epsilon": 3.0, "dim": 1}),
    "nn.moments": ([X, [0]], {"keep_dims": True, "keepdims": True}),
    "nn.dropout": ([X], {"keep_prob": 0.5, "rate": 0.5}, {"noise_shape": ([2, 1], {"rate": 0.5, "seed": 7}),
                                                          "seed": (8, {"rate": 0.5})}),
    "nn.leaky_relu": ([[[-1.0]]], {"alpha": 0.5}),
    "nn.top_k": ([X], {"k": 2, "sorted": None}),
    "nn.softmax": ([X], {"axis": 0, "dim": 0}),
    "nn.log_softmax": ([X], {"axis": 0, "dim": 0}),
    "nn.embedding_lookup": ([[[[0.0], [5.0]], [[1.0], [3.0]]], [1, 2]], {"partition_strategy": "div", "max_norm": 1.0}),
    "clip_by_norm": ([X, 0.1], {"axes": [1]}),
    "clip_by_global_norm": ([[X, Y], 0.1], {"use_norm": 9.0}),
    "reduce_logsumexp": ([X], {"axis": 1, "keepdims": True, "reduction_indices": 1, "keep_dims": True}),
    "sequence_mask": ([[1, 2]], {"maxlen": 5, "dtype": tf.float32}),
    "boolean_mask": ([X, [True, False]], {"axis": 1}),
    "string_split": ([["a b,,c"]], {"sep": ",", "delimiter": ",", "skip_empty": None, "input": None}),
    "substr": ([["héllo"], 1, 2], {"unit": "UTF8_CHAR"}),
    "pad": ([[1, 2, 3], [[1, 1]]], {"mode": "REFLECT", "constant_values": 7}),
    "layers.flatten": ([np.arange(8.0).reshape(1, 2, 2, 2).tolist()], {"data_format": "channels_first"}),
    "train.exponential_decay": ([0.1, 15, 10, 0.5], {"staircase": True}),
    "train.inverse_time_decay": ([0.1, 15, 10, 0.5], {"staircase": True}),
    "train.natural_exp_decay": ([0.1, 15, 10, 0.5], {"staircase": True}),
    "train.polynomial_decay": ([0.1, 15, 10], {"end_learning_rate": 0.05, "cycle": True, "power": None}),
    "train.cosine_decay": ([0.1, 5, 10], {"alpha": 0.5}),
    "metrics.mean": ([X], {"weights": [1.0, 0.0]}),
    "metrics.mean_squared_error": ([Y, X], {"weights": [1.0, 0.0]}),
    "metrics.root_mean_squared_error": ([Y, X], {"weights": [1.0, 0.0]}),
    "metrics.mean_absolute_error": ([Y, X], {"weights": [1.0, 0.0]}),
    "metrics.accuracy": ([[1, 0], [1, 1]], {"weights": [1.0, 0.0]}),
    "metrics.precision": ([[1, 0], [1, 1]], {"weights": [1.0, 0.0]}),
    "metrics.recall": ([[1, 1], [1, 0]], {"weights": [1.0, 0.0]}),
    "metrics.auc": ([[0, 1, 1, 0, 1], [0.1, 0.4, 0.8, 0.6, 0.9]],
                    {"weights": [1.0, 0.0, 1.0, 1.0, 0.0], "curve": "PR", "thresholds": [0.3, 0.5],
                     "num_thresholds": 3, "summation_method": None}),
}  # fmt: skip


def function(path):
    made = tf
    for part in path.split("."):
        made = getattr(made, part)
    return made


def shown(path, arguments, options):
    """What a call gives, as text; an error counts, too."""
    with tf.Graph().as_default():
        tf.set_random_seed(3)
        try:
            made = function(path)(*arguments, **options)
            with tf.Session() as session:
                session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
                if path.startswith("metrics."):
                    session.run(made[1])
                    made = made[0]
                return repr(session.run(made))
        except (ValueError, TypeError, NotImplementedError, tf.errors.OpError) as error:
            return repr(error)


CALLS = [(path, name) for path, entry in FUNCTIONS.items() for more in entry[1:] for name in more]


@pytest.mark.parametrize("path, name", CALLS)
def test_an_argument_shows(path, name):
    arguments, options, *rest = FUNCTIONS[path]
    base = {}
    value = options.get(name)
    if rest and name in rest[0]:
        value, base = rest[0][name]
    if value is None:
        pytest.skip("no value of it shows in this call")
    assert shown(path, arguments, base) != shown(path, arguments, {**base, name: value})


@pytest.mark.parametrize("path", FUNCTIONS)
def test_every_argument_is_tried(path):
    """A parameter that is added to a function must be added to its row, or to those that cannot show."""
    arguments, *tables = FUNCTIONS[path]
    parameters = list(inspect.signature(function(path)).parameters)[len(arguments) :]
    tried = {name for table in tables for name in table}
    missing = [name for name in parameters if name not in tried and name not in UNSEEN]
    assert not missing


# ------------------------------------------------------------------------------------------------ classes and estimators


def columns():
    return [tf.feature_column.numeric_column("x")]


def input_fn():
    x = np.arange(8, dtype=np.float32)
    return tf.data.Dataset.from_tensor_slices(({"x": x, "w": x * 0 + 2}, (x > 3).astype(np.int32))).batch(4)


def trained(cls, tmp_path, **options):
    """The evaluation after a few steps, as text, or the error."""
    try:
        options = {key: value() if inspect.isfunction(value) and value.__name__ == "made" else value
                   for key, value in options.items()}  # fmt: skip
        config = tf.estimator.RunConfig(tf_random_seed=1, model_dir=str(tmp_path / str(len(list(tmp_path.iterdir())))))
        estimator = cls(config=config, **options).train(input_fn, steps=2)
        return repr(sorted(estimator.evaluate(input_fn, steps=1).items()))
    except (ValueError, TypeError, NotImplementedError, tf.errors.OpError) as error:
        return repr(error)


def slices(shape, dtype):
    return [2] + [1] * (shape.ndims - 1)


SHARED = {"weight_column": "w", "loss_reduction": "weighted_mean", "warm_start_from": "nowhere"}
REGRESSION, CLASSES = {"label_dimension": 2}, {"n_classes": 4, "label_vocabulary": ["a", "b"]}
DNN = {
    "hidden_units": [3],
    "optimizer": "SGD",
    "activation_fn": tf.nn.tanh,
    "dropout": 0.9,
    "batch_norm": True,
    "input_layer_partitioner": None,
}  # fmt: skip; it cuts embeddings, of which there are none
LINEAR = {"optimizer": "SGD", "partitioner": slices, "sparse_combiner": None}
COMBINED = {"linear_feature_columns": None, "linear_optimizer": "SGD", "dnn_feature_columns": None,
            "dnn_optimizer": "SGD", "dnn_hidden_units": [3], "dnn_activation_fn": tf.nn.tanh, "dnn_dropout": 0.9,
            "input_layer_partitioner": slices, "batch_norm": True, "linear_sparse_combiner": None}  # fmt: skip
BOTH = {"linear_feature_columns": columns(), "dnn_feature_columns": columns(), "dnn_hidden_units": [5]}
CANNED = {
    "DNNRegressor": ({"hidden_units": [5], "feature_columns": columns()}, {**SHARED, **DNN, **REGRESSION}),
    "DNNClassifier": ({"hidden_units": [5], "feature_columns": columns()}, {**SHARED, **DNN, **CLASSES}),
    "LinearRegressor": ({"feature_columns": columns()}, {**SHARED, **LINEAR, **REGRESSION}),
    "LinearClassifier": ({"feature_columns": columns()}, {**SHARED, **LINEAR, **CLASSES}),
    "DNNLinearCombinedRegressor": (BOTH, {**SHARED, **COMBINED, **REGRESSION}),
    "DNNLinearCombinedClassifier": (BOTH, {**SHARED, **COMBINED, **CLASSES}),
}


@pytest.mark.parametrize("name", CANNED)
def test_every_option_of_a_canned_estimator_shows(name, tmp_path):
    cls, (base, others) = getattr(tf.estimator, name), CANNED[name]
    options = set(inspect.signature(cls).parameters) - {"model_dir", "config", "feature_columns"}
    assert options <= set(others), f"untried: {sorted(options - set(others))}"
    plain = trained(cls, tmp_path, **base)
    assert "loss" in plain
    for option, value in others.items():
        if value is not None:
            assert trained(cls, tmp_path, **{**base, option: value}) != plain, option


OPTIMIZERS = {
    "GradientDescentOptimizer": ([0.1], {}),
    "MomentumOptimizer": ([0.1, 0.9], {"use_nesterov": True}),
    "AdagradOptimizer": ([0.1], {"initial_accumulator_value": 0.5}),
    "AdamOptimizer": ([0.1], {"beta1": 0.5, "beta2": 0.5, "epsilon": 0.5}),
    "FtrlOptimizer": ([0.1], {"learning_rate_power": -0.2, "initial_accumulator_value": 0.5,
                              "l1_regularization_strength": 0.5, "l2_regularization_strength": 0.5,
                              "l2_shrinkage_regularization_strength": 0.5, "accum_name": "a", "linear_name": "b"}),
    "RMSPropOptimizer": ([0.1], {"decay": 0.5, "momentum": 0.5, "epsilon": 0.5}),
}  # fmt: skip


def minimized(name, arguments, options=None, minimize=None):
    with tf.Graph().as_default():
        v, w = tf.get_variable("v", initializer=1.0), tf.get_variable("w", initializer=2.0)
        optimizer = getattr(tf.train, name)(*arguments, **(options or {}))
        made = {key: value(v, w) if callable(value) else value for key, value in (minimize or {}).items()}
        step = optimizer.minimize(v * v + w, **made)
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            for _ in range(3):
                session.run(step)
            return session.run([v, w]), sorted(variable.name for variable in tf.global_variables())


def test_a_centered_rmsprop_is_refused():
    with pytest.raises(NotImplementedError, match="centered=True"):
        tf.train.RMSPropOptimizer(0.1, centered=True)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_option_of_an_optimizer_shows(name):
    arguments, others = OPTIMIZERS[name]
    parameters = list(inspect.signature(getattr(tf.train, name)).parameters)[len(arguments) :]
    tried = {*others, *UNSEEN, "learning_rate", "centered"}
    assert not [p for p in parameters if p not in tried]
    plain = minimized(name, arguments)
    for option, value in others.items():
        assert minimized(name, arguments, {option: value}) != plain, option
    assert minimized(name, arguments, minimize={"grad_loss": lambda v, w: c(3.0)}) != plain or name != (
        "GradientDescentOptimizer"
    )
    assert minimized(name, arguments, minimize={"var_list": lambda v, w: [v]})[0] != plain[0]


def test_grad_loss_and_constraints_give_tensorflows_values():
    (v, _), _ = minimized("GradientDescentOptimizer", [0.1], minimize={"grad_loss": lambda v, w: c(3.0)})
    assert v == pytest.approx(0.4**3)
    y = tf.layers.dense(c([[1.0, 1.0]]), 1, kernel_initializer=tf.ones_initializer(), bias_constraint=lambda b: b + 2.0,
                        kernel_constraint=lambda k: tf.clip_by_value(k, 0.0, 0.5))  # fmt: skip
    step = tf.train.GradientDescentOptimizer(0.0).minimize(tf.reduce_sum(y))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(step)
        kernel, bias = session.run(tf.trainable_variables())
    assert kernel.tolist() == [[0.5], [0.5]] and bias.tolist() == [2.0]
