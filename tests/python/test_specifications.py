"""Specifications, configurations, columns, hooks and savers: what 1.15 refuses is refused in its words, what it takes is
obeyed."""

import json
import os

import numpy as np
import pytest
import tensorflow as tf

c, e, fc = tf.constant, tf.estimator, tf.feature_column
CLUSTER = {"chief": ["h:1"], "worker": ["h:2", "h:3"], "ps": ["h:4"]}


def input_fn():
    return tf.data.Dataset.from_tensor_slices(({"x": [1.0, 2.0]}, [1.0, 2.0])).repeat().batch(2)


def receiver():
    x = tf.placeholder(tf.float32, [None])
    return e.export.ServingInputReceiver({"x": x}, {"x": x})


def model(features, labels, mode):
    w = tf.get_variable("w", initializer=1.0)
    rate = tf.placeholder_with_default(0.1, [], name="rate")
    loss = tf.identity(w * 2.0, name="the_loss")
    step = tf.train.GradientDescentOptimizer(rate).minimize(loss, tf.train.get_or_create_global_step())
    return e.EstimatorSpec(mode, predictions={"y": features["x"] * w}, loss=loss, train_op=step)


@pytest.mark.parametrize(
    "make, error, words",
    [(lambda: e.EvalSpec(input_fn, exporters=[e.LatestExporter("a", receiver), e.FinalExporter("a", receiver)]),
      ValueError, "unique names"),
     (lambda: e.EvalSpec(input_fn, exporters=5), TypeError, "an iterable of Exporter"),
     (lambda: e.EvalSpec(input_fn, name=5), TypeError, "`name` must be string"),
     (lambda: e.EvalSpec(input_fn, throttle_secs=-1), ValueError, "throttle_secs >= 0"),
     (lambda: e.EvalSpec(5), TypeError, "`input_fn` must be callable"),
     (lambda: e.TrainSpec(input_fn, hooks=[5]), TypeError, "All hooks must be `SessionRunHook`"),
     (lambda: e.TrainSpec(input_fn, saving_listeners=[5]), TypeError, "CheckpointSaverListener"),
     (lambda: e.TrainSpec(input_fn, max_steps=0), ValueError, "max_steps > 0"),
     (lambda: e.RunConfig(save_summary_steps=-1), ValueError, "save_summary_steps should be >= 0"),
     (lambda: e.RunConfig(tf_random_seed=1.5), ValueError, "tf_random_seed must be integer"),
     (lambda: e.RunConfig(session_config=5), ValueError, "must be instance of ConfigProto"),
     (lambda: e.RunConfig(model_dir=""), ValueError, "model_dir should be non-empty"),
     (lambda: e.RunConfig().replace(task_id=3), ValueError, "Replacing task_id is not supported"),
     (lambda: e.EstimatorSpec("train", loss=1.0, train_op=tf.no_op()), TypeError, "loss must be Tensor"),
     (lambda: e.EstimatorSpec("train", loss=c(1.0), train_op=5), TypeError, "train_op must be Operation or Tensor"),
     (lambda: e.EstimatorSpec("eval", loss=c([1.0, 2.0])), ValueError, "Loss must be scalar"),
     (lambda: e.EstimatorSpec("eval", loss=c(1.0), eval_metric_ops={"a": c(1.0)}), TypeError, "must be .metric_value"),
     (lambda: e.EstimatorSpec("infer", c(1.0), export_outputs={"a": c(1.0)}), TypeError, "ExportOutput objects"),
     (lambda: e.EstimatorSpec("infer", c(1.0), scaffold=5), TypeError, "tf.train.Scaffold"),
     (lambda: e.export.ClassificationOutput(classes=c([1])), ValueError, "must be a string Tensor"),
     (lambda: e.export.ServingInputReceiver({"x": 5}, {"x": c(1.0)}), ValueError, "feature x must be a Tensor"),
     (lambda: e.export.ServingInputReceiver({"x": c(1.0)}, {"x": c(1.0)}, 5), ValueError, "must be a dict"),
     (lambda: e.DNNRegressor([1], [fc.numeric_column("x")], optimizer=5), ValueError, "not an Optimizer instance"),
     (lambda: e.DNNRegressor([1], [fc.numeric_column("x")], loss_reduction="none"), ValueError, "loss_reduction"),
     (lambda: e.DNNRegressor([1], [fc.numeric_column("x")], weight_column=5), TypeError, "Weight column must be"),
     (lambda: fc.numeric_column(5), ValueError, "key must be a string"),
     (lambda: fc.numeric_column("x", shape=2, default_value=[1.0]), ValueError, "must be equal to given shape"),
     (lambda: fc.numeric_column("x", dtype=tf.int64, default_value=0.5), TypeError, "compatible with dtype"),
     (lambda: fc.bucketized_column("x", [1]), ValueError, "generated with numeric_column"),
     (lambda: fc.categorical_column_with_vocabulary_list("x", []), ValueError, "must be non-empty"),
     (lambda: fc.categorical_column_with_vocabulary_list("x", ["a", "a"]), ValueError, "Duplicate keys"),
     (lambda: fc.categorical_column_with_vocabulary_file("x", "/no/such"), ValueError, "does not exist"),
     (lambda: fc.crossed_column(["a", fc.categorical_column_with_hash_bucket("b", 3)], 9), ValueError, "not supported"),
     (lambda: fc.make_parse_example_spec([fc.numeric_column("x"), fc.categorical_column_with_identity("x", 3)]),
      ValueError, "different parse_spec"),
     (lambda: tf.train.GradientDescentOptimizer(None), ValueError, "None values not supported")],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_words(make, error, words):
    with pytest.raises(error, match=words):
        make()


@pytest.mark.parametrize(
    "config, expected",
    [({"cluster": CLUSTER, "task": {"type": "worker", "index": 1}}, ["worker", 1, False, 3, 1, 2, "grpc://h:3"]),
     ({"cluster": CLUSTER, "task": {"type": "ps", "index": "0"}}, ["ps", 0, False, 3, 1, 3, "grpc://h:4"]),
     ({"cluster": CLUSTER, "task": {"type": "chief", "index": 0}}, ["chief", 0, True, 3, 1, 0, "grpc://h:1"]),
     ({"cluster": CLUSTER, "task": {"type": "evaluator", "index": 0}}, ["evaluator", 0, False, 0, 0, None, ""]),
     ({"cluster": {"master": ["h:1"]}, "task": {"type": "master", "index": 0}}, ["master", 0, True, 1, 0, 0, ""]),
     ({"cluster": {}, "task": {}, "environment": "cloud"}, ["worker", 0, True, 1, 0, 0, ""])],
)  # fmt: skip
def test_a_run_config_is_the_task_of_tf_config(config, expected, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    made = e.RunConfig()
    assert [made.task_type, made.task_id, made.is_chief, made.num_worker_replicas, made.num_ps_replicas,
            made.global_id_in_cluster, made.master] == expected  # fmt: skip


@pytest.mark.parametrize(
    "text, words",
    [("{", "JSON"), (json.dumps({"cluster": CLUSTER}), "task type must be set"),
     (json.dumps({"cluster": CLUSTER, "task": {"type": "worker", "index": 2}}), "not a valid task_id"),
     (json.dumps({"cluster": CLUSTER, "task": {"type": "boss", "index": 0}}), "not a valid task_type"),
     (json.dumps({"cluster": {"worker": ["h:1"]}, "task": {"type": "worker", "index": 0}}), 'one "chief" node'),
     (json.dumps({"task": {"type": "ps"}}), "must be WORKER")],
)  # fmt: skip
def test_a_tf_config_that_cannot_be_is_refused(text, words, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(ValueError, match=words):
        e.RunConfig()


def test_one_of_several_processes_does_not_train_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": CLUSTER, "task": {"type": "worker", "index": 1}}))
    with pytest.raises(tf.errors.UnimplementedError, match="worker 1 of a cluster of 4 tasks"):
        e.Estimator(model, str(tmp_path)).train(input_fn, steps=1)
    assert not (tmp_path / "checkpoint").exists()


@pytest.mark.parametrize("units", [[3], [3.0], ["3"], [np.int64(3)]])
def test_numbers_of_any_kind_are_hidden_units_and_steps(units, tmp_path):
    estimator = e.DNNRegressor(units, [fc.numeric_column("x")], str(tmp_path))
    estimator.train(input_fn, max_steps=1.5)
    assert estimator.get_variable_value("global_step") == 2
    assert estimator.get_variable_value("dnn/hiddenlayer_0/kernel").shape == (1, 3)


def test_a_lost_checkpoint_is_not_lost_silently(tmp_path, caplog):
    config = e.RunConfig(save_checkpoints_steps=2)
    estimator = e.Estimator(model, str(tmp_path), config).train(input_fn, steps=4)
    for file in tmp_path.glob("model.ckpt-4.*"):
        file.unlink()
    assert tf.train.latest_checkpoint(str(tmp_path)) is None
    estimator.train(input_fn, steps=1)
    assert estimator.get_variable_value("global_step") == 3  # from the one before


def test_hooks_feed_by_name_change_the_graph_and_end_training(tmp_path):
    class Hook(tf.train.SessionRunHook):
        def begin(self):
            self.own, self.steps = tf.get_variable("own", initializer=3.0), 0

        def before_run(self, run_context):
            assert isinstance(run_context.original_args, tf.train.SessionRunArgs)
            return tf.train.SessionRunArgs(None, feed_dict={"rate:0": 0.05 * (self.steps + 1)})

        def after_run(self, run_context, run_values):
            assert run_values.results is None
            self.steps += 1
            if self.steps == 2:
                raise tf.errors.OutOfRangeError(None, None, "enough")

        def end(self, session):
            self.at_end = float(session.run(self.own))

    hook = Hook()
    logging = tf.train.LoggingTensorHook({"loss": "the_loss"}, every_n_iter=1)
    estimator = e.Estimator(model, str(tmp_path)).train(input_fn, steps=9, hooks=[hook, logging])
    assert (hook.steps, hook.at_end) == (2, 3.0)
    assert estimator.get_variable_value("w") == pytest.approx(1 - 2 * 0.05 - 2 * 0.1)


def test_a_classifier_takes_a_vocabulary_of_labels(tmp_path):
    def strings():
        data = {"x": np.array([0, 1, 2, 3], np.float32)}
        return tf.data.Dataset.from_tensor_slices((data, np.array(["no", "no", "yes", "yes"]))).repeat().batch(4)

    estimator = e.LinearClassifier([fc.numeric_column("x")], str(tmp_path), label_vocabulary=["no", "yes"],
                                   optimizer=lambda: tf.train.FtrlOptimizer(0.5))  # fmt: skip
    estimator.train(strings, steps=50)
    assert estimator.evaluate(strings, steps=1)["accuracy"] == 1.0
    classes = [next(iter(p["classes"])) for _, p in zip(range(4), estimator.predict(strings))]
    assert classes == [b"no", b"no", b"yes", b"yes"]


def layer(features, *columns):
    with tf.Session() as session:
        made = fc.input_layer({key: c(value) for key, value in features.items()}, list(columns))
        session.run([tf.global_variables_initializer(), tf.tables_initializer()])
        return session.run(made)


def test_a_vocabulary_file_of_windows_lines(tmp_path):
    path = tmp_path / "words.txt"
    path.write_bytes(b"a\r\nb\r\n")
    for size in (None, 2):
        column = fc.indicator_column(fc.categorical_column_with_vocabulary_file("x", str(path), size))
        assert layer({"x": ["a", "b", "z"]}, column).tolist() == [[1, 0], [0, 1], [0, 0]]
    for text, size, words in ((b"a\nb\n", 5, "expected 5 but got 2"), (b"a\n\nb\n", 3, "empty line")):
        path.write_bytes(text)
        with pytest.raises(tf.errors.InvalidArgumentError, match=words):
            layer({"x": ["a"]}, fc.indicator_column(fc.categorical_column_with_vocabulary_file("x", str(path), size)))


def test_a_cross_keeps_unknown_words_and_drops_missing_ones():
    words = fc.categorical_column_with_vocabulary_list("a", ["x", "y"])
    crossed = fc.indicator_column(fc.crossed_column([words, "b"], 50))
    rows, buckets = np.nonzero(layer({"a": ["x", "q", "", "y"], "b": ["1", "1", "1", ""]}, crossed))
    assert (rows.tolist(), buckets.tolist()) == ([0, 1, 3], [12, 35, 19])  # TensorFlow's


def test_a_feature_of_another_width_is_an_error():
    with pytest.raises(ValueError, match="2 numbers a record"):
        layer({"x": [[1.0], [2.0]]}, fc.numeric_column("x", shape=[2]))
    unknown = tf.placeholder_with_default([[1.0, 2.0]], [None, None])
    made = fc.input_layer({"x": unknown}, [fc.numeric_column("x")])
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError):
        session.run(made)


def test_layers_tell_what_they_made():
    variables, outputs = {}, {}
    column = fc.embedding_column(fc.categorical_column_with_identity("i", 3), 2)
    fc.input_layer({"i": c([1])}, [column], ["mine"], cols_to_vars=variables, cols_to_output_tensors=outputs)
    assert [v.name for v in variables[column]] == ["input_layer/i_embedding/embedding_weights:0"]
    assert outputs[column].shape.as_list() == [1, 2] and tf.get_collection("mine") == variables[column]


def test_savers_obey_names_shapes_and_padding(tmp_path):
    a = tf.get_variable("a", initializer=[[1.0, 2.0]])
    flat = tf.get_variable("b", [2])
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        path = tf.train.Saver({"x": a}, pad_step_number=True).save(session, str(tmp_path / "m"), global_step=42)
        assert os.path.basename(path) == "m-00000042"
        assert tf.train.list_variables(path) == [("x", [1, 2])]
        tf.train.Saver({"x": flat}, reshape=True).restore(session, path)
        assert session.run(flat).tolist() == [1, 2]


def test_a_variable_is_shared_without_its_shape():
    with tf.variable_scope("a"):
        first = tf.get_variable("w", [2])
    with tf.variable_scope("a", reuse=True):
        assert tf.get_variable("w") is first
        with pytest.raises(ValueError, match="does not exist"):
            tf.get_variable("v")


def test_a_coordinator_raises_what_a_thread_failed_with():
    coordinator = tf.train.Coordinator()
    coordinator.request_stop(ValueError("bad record"))
    assert coordinator.should_stop()
    with pytest.raises(ValueError, match="bad record"):
        coordinator.join([])
    clean = tf.train.Coordinator()
    clean.request_stop(tf.errors.OutOfRangeError(None, None, "the end"))
    clean.join([])
