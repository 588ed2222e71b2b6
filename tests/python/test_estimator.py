"""Estimators with Python model functions: hooks, metrics, predictions, exports, errors, interrupts."""

import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import tensorflow as tf

X = np.linspace(0, 1, 200).astype("float32")
Y = 3 * X + 1


def inputs(shuffle=False, num_epochs=1):
    return tf.estimator.inputs.numpy_input_fn({"x": X}, Y, batch_size=50, num_epochs=num_epochs, shuffle=shuffle)


def line(features, labels, mode, params):
    y = tf.squeeze(tf.layers.dense(tf.expand_dims(features["x"], -1), 1), -1)
    if mode == tf.estimator.ModeKeys.PREDICT:
        outputs = {"serving_default": tf.estimator.export.PredictOutput({"y": y})}
        return tf.estimator.EstimatorSpec(mode, predictions={"y": y}, export_outputs=outputs)
    loss = tf.identity(tf.losses.mean_squared_error(labels, y), name="loss")
    metrics = {"rmse": tf.metrics.root_mean_squared_error(labels, y)}
    step = tf.train.GradientDescentOptimizer(params["rate"]).minimize(loss, tf.train.get_global_step())
    return tf.estimator.EstimatorSpec(mode, predictions={"y": y}, loss=loss, train_op=step, eval_metric_ops=metrics)


@pytest.fixture
def estimator(tmp_path):
    return tf.estimator.Estimator(line, str(tmp_path), params={"rate": 0.2})


class Recorder(tf.train.SessionRunHook):
    def __init__(self):
        self.events = []

    def begin(self):
        self.events.append("begin")

    def after_create_session(self, session, coord):
        self.events.append("created")

    def before_run(self, run_context):
        return tf.train.SessionRunArgs({"step": tf.train.get_global_step(), "loss": "loss:0"})

    def after_run(self, run_context, run_values):
        self.events.append(int(run_values.results["step"]))
        if len(self.events) == 6:
            run_context.request_stop()

    def end(self, session):
        self.events.append(("end", int(session.run(tf.train.get_global_step()))))


def test_hooks_are_called_in_order_and_can_stop(estimator):
    hook = Recorder()
    estimator.train(inputs(num_epochs=None), steps=100, hooks=[hook])
    assert hook.events[:2] == ["begin", "created"]
    assert len(hook.events) == 7 and hook.events[-1] == ("end", 4)


def test_a_model_is_trained_evaluated_and_predicts(estimator):
    estimator.train(inputs(shuffle=True, num_epochs=None), max_steps=600)
    result = estimator.evaluate(inputs())
    assert result["rmse"] < 0.1 and result["global_step"] == 600
    predictions = list(estimator.predict(tf.estimator.inputs.numpy_input_fn({"x": X[:7]}, shuffle=False)))
    assert len(predictions) == 7
    assert abs(predictions[0]["y"] - Y[0]) < 0.3
    assert estimator.get_variable_names() == ["dense/bias", "dense/kernel", "global_step"]
    assert estimator.get_variable_value("dense/kernel").shape == (1, 1)
    assert tf.train.latest_checkpoint(estimator.model_dir).endswith("model.ckpt-600")


def test_training_goes_on_from_the_checkpoint(estimator):
    estimator.train(inputs(num_epochs=None), steps=5)
    estimator.train(inputs(num_epochs=None), steps=5)
    assert estimator.get_variable_value("global_step") == 10


def test_added_metrics_are_evaluated(estimator):
    estimator.train(inputs(num_epochs=None), steps=2)
    richer = tf.estimator.add_metrics(estimator, lambda labels, predictions: {"mean_label": tf.metrics.mean(labels)})
    assert richer.evaluate(inputs())["mean_label"] == pytest.approx(Y.mean(), abs=1e-4)


def test_an_export_is_written(estimator, tmp_path):
    estimator.train(inputs(num_epochs=None), steps=2)

    def serving():
        x = tf.placeholder(tf.float32, [None])
        return tf.estimator.export.ServingInputReceiver({"x": x}, {"x": x})

    path = estimator.export_saved_model(str(tmp_path / "export"), serving).decode()
    assert os.path.exists(os.path.join(path, "saved_model.pb"))


class Mine(Exception):
    pass


@pytest.mark.parametrize("where", ["model_fn", "input_fn", "hook"])
def test_exceptions_of_the_program_come_through_with_their_traceback(tmp_path, where):
    def fail(name):
        if name == where:
            raise Mine(name)

    class Hook(tf.train.SessionRunHook):
        def after_run(self, run_context, run_values):
            fail("hook")

    def model_fn(features, labels, mode):
        fail("model_fn")
        return line(features, labels, mode, {"rate": 0.1})

    def input_fn():
        fail("input_fn")
        return inputs(num_epochs=None)()

    estimator = tf.estimator.Estimator(model_fn, str(tmp_path))
    with pytest.raises(Mine, match=where) as error:
        estimator.train(input_fn, steps=5, hooks=[Hook()])
    assert error.traceback[-1].name == "fail"


def test_a_nan_loss_stops_with_its_own_error(tmp_path):
    def model_fn(features, labels, mode):
        w = tf.get_variable("w", [], initializer=tf.zeros_initializer())
        loss = tf.reduce_mean(tf.log(w - 1.0))
        step = tf.train.GradientDescentOptimizer(0.1).minimize(loss, tf.train.get_global_step())
        return tf.estimator.EstimatorSpec(mode, loss=loss, train_op=step)

    with pytest.raises(tf.train.NanLossDuringTrainingError, match="NaN loss"):
        tf.estimator.Estimator(model_fn, str(tmp_path)).train(inputs(num_epochs=None), steps=5)


@pytest.mark.parametrize(
    ("wrong", "error", "match"),
    [(lambda e: e.train(inputs(), steps=0), ValueError, "steps > 0"),
     (lambda e: e.train(inputs(), steps=1, max_steps=1), ValueError, "both"),
     (lambda e: e.train(inputs(), steps=1, hooks=[object()]), TypeError, "SessionRunHook"),
     (lambda e: e.train(3), TypeError, "function"),
     (lambda e: e.export_savedmodel("x", lambda: None), ValueError, "trained model"),
     (lambda e: tf.estimator.EstimatorSpec("train", loss=tf.constant(1.0)), ValueError, "train_op"),
     (lambda e: tf.estimator.RunConfig(save_checkpoints_secs=1, save_checkpoints_steps=1), ValueError, "both"),
     (lambda e: tf.estimator.DNNRegressor([1], []), ValueError, "column")],
)  # fmt: skip
def test_wrong_use_is_explained(estimator, wrong, error, match):
    with pytest.raises(error, match=match):
        wrong(estimator)


def test_the_model_fn_of_a_canned_estimator_can_be_wrapped(tmp_path):
    columns = [tf.feature_column.numeric_column("x")]
    canned = tf.estimator.LinearRegressor(columns, model_dir=str(tmp_path / "canned"))

    def model_fn(features, labels, mode, config):
        spec = canned.model_fn(features, labels, mode, config)
        if mode == tf.estimator.ModeKeys.PREDICT:
            assert set(spec.export_outputs) >= {"predict", "regression"}
            return spec._replace(predictions={"half": spec.predictions["predictions"] / 2})
        if mode == tf.estimator.ModeKeys.EVAL:
            assert "average_loss" in spec.eval_metric_ops
            more = {"mean_label": tf.metrics.mean(labels)}
            return spec._replace(eval_metric_ops={**spec.eval_metric_ops, **more})
        return spec

    wrapped = tf.estimator.Estimator(model_fn, str(tmp_path / "wrapped"))
    wrapped.train(inputs(num_epochs=None), steps=20)
    canned.train(inputs(num_epochs=None), steps=20)
    result = wrapped.evaluate(inputs())
    assert result.pop("mean_label") == pytest.approx(Y.mean(), abs=1e-4)
    assert result == canned.evaluate(inputs())
    ours = next(wrapped.predict(inputs()))["half"]
    assert ours == pytest.approx(next(canned.predict(inputs()))["predictions"] / 2)


def test_an_empty_input_makes_no_step_and_says_so(estimator, caplog):
    nothing = tf.estimator.inputs.numpy_input_fn({"x": X[:0]}, Y[:0], shuffle=False)
    with caplog.at_level("WARNING", logger=tf.get_logger().name):
        estimator.train(nothing)
    assert caplog.messages == ["Training with estimator made no steps. Perhaps input is empty or misspecified."]
    assert estimator.get_variable_value("global_step") == 0


def test_a_missing_feature_is_a_value_error_that_names_it():
    estimator = tf.estimator.LinearRegressor([tf.feature_column.numeric_column("speed")])
    with pytest.raises(ValueError, match="Feature speed is not in features dictionary; there are: x"):
        estimator.train(inputs(), steps=1)


def test_ctrl_c_stops_training_and_keeps_a_checkpoint(tmp_path):
    program = textwrap.dedent(f"""
        import numpy as np, tensorflow as tf
        tf.logging.set_verbosity(tf.logging.INFO)
        X = np.linspace(0, 1, 200).astype("float32")
        inputs = tf.estimator.inputs.numpy_input_fn({{"x": X}}, X, num_epochs=None, shuffle=True)
        estimator = tf.estimator.LinearRegressor([tf.feature_column.numeric_column("x")], model_dir={str(tmp_path)!r})
        try:
            estimator.train(inputs, steps=10**9)
        except KeyboardInterrupt:
            print("INTERRUPTED", estimator.get_variable_value("global_step") > 0)
    """)
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A test run in the background of a shell has SIGINT ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        for text in process.stderr:
            if "global_step/sec" in text:
                break
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate()
    finally:
        process.kill()
    assert output.strip() == "INTERRUPTED True"


COLUMNS = ["fare_amount", "pickuplon", "pickuplat", "dropofflon", "dropofflat", "passengers", "key"]
DEFAULTS = [[0.0], [-74.0], [40.0], [-74.0], [40.7], [1.0], ["nokey"]]


def rides(path, mode, batch_size=512):
    def decode(line):
        features = dict(zip(COLUMNS, tf.decode_csv(line, DEFAULTS), strict=True))
        return features, features.pop("fare_amount")

    def input_fn():
        dataset = tf.data.TextLineDataset(path).map(decode)
        if mode == tf.estimator.ModeKeys.TRAIN:
            dataset = dataset.shuffle(10 * batch_size).repeat()
        return dataset.batch(batch_size).make_one_shot_iterator().get_next()

    return input_fn


def test_the_taxi_trainer_trains_evaluates_and_exports(taxi_data, tmp_path):
    columns = [tf.feature_column.numeric_column(name) for name in COLUMNS[1:6]]

    def serving():
        inputs = {column.name: tf.placeholder(tf.float32, [None]) for column in columns}
        return tf.estimator.export.ServingInputReceiver(inputs, inputs)

    estimator = tf.estimator.DNNRegressor([32, 8], columns, model_dir=str(tmp_path))
    result, exports = tf.estimator.train_and_evaluate(
        estimator,
        tf.estimator.TrainSpec(rides(taxi_data + "/taxi-train.csv", "train"), max_steps=50),
        tf.estimator.EvalSpec(rides(taxi_data + "/taxi-valid.csv", "eval"), steps=None, start_delay_secs=0,
                              exporters=tf.estimator.LatestExporter("exporter", serving)),
    )  # fmt: skip
    assert set(result) == {"average_loss", "global_step", "label/mean", "loss", "prediction/mean"}
    assert result["global_step"] == 50 and np.isfinite(result["average_loss"])
    assert len(exports) == 1
    assert os.path.exists(tmp_path / "graph.pbtxt") and os.listdir(tmp_path / "eval")


def test_a_wide_and_deep_model_trains(taxi_data, tmp_path):
    fc = tf.feature_column
    latitude = fc.bucketized_column(fc.numeric_column("pickuplat"), np.linspace(38, 42, 8).tolist())
    longitude = fc.bucketized_column(fc.numeric_column("pickuplon"), np.linspace(-76, -72, 8).tolist())
    place = fc.crossed_column([latitude, longitude], 64)
    estimator = tf.estimator.DNNLinearCombinedRegressor(
        str(tmp_path), linear_feature_columns=[latitude, longitude, place],
        dnn_feature_columns=[fc.embedding_column(place, 4), fc.numeric_column("passengers")], dnn_hidden_units=[8],
    )  # fmt: skip
    estimator.train(rides(taxi_data + "/taxi-train.csv", "train"), steps=20)
    assert estimator.evaluate(rides(taxi_data + "/taxi-valid.csv", "eval"), steps=2)["global_step"] == 20
