"""tf.train, tf.data, tf.summary, gfile, records: what programs use beside estimators."""

import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf


def minimized(optimizer, steps=30):
    x = tf.get_variable("x", [], initializer=tf.constant_initializer(5.0))
    global_step = tf.train.get_or_create_global_step()
    step = optimizer.minimize(tf.square(x - 1.0), global_step)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for _ in range(steps):
            session.run(step)
        return session.run([x, global_step])


@pytest.mark.parametrize(
    "make",
    [lambda: tf.train.GradientDescentOptimizer(0.1), lambda: tf.train.AdamOptimizer(0.5),
     lambda: tf.train.AdagradOptimizer(1.0), lambda: tf.train.FtrlOptimizer(1.0),
     lambda: tf.train.RMSPropOptimizer(0.3), lambda: tf.train.MomentumOptimizer(0.05, 0.5)],
)  # fmt: skip
def test_optimizers_come_closer_and_count_steps(make):
    x, step = minimized(make())
    assert abs(x - 1) < 2 and step == 30


def test_a_decaying_learning_rate():
    step = tf.train.get_or_create_global_step()
    rate = tf.train.exponential_decay(0.1, step, 10, 0.5)
    with tf.Session() as session:
        assert session.run(rate, {step.value(): 20}) == pytest.approx(0.025)


def test_an_optimizer_in_python_is_called_as_1_15_calls_it():
    calls = []

    class Signs(tf.train.Optimizer):
        def __init__(self):
            super().__init__(False, "Signs")

        def _create_slots(self, var_list):
            calls.append("slots")
            for v in var_list:
                self._zeros_slot(v, "seen", self._name)

        def _prepare(self):
            calls.append("prepare")

        def _apply_dense(self, grad, var):
            calls.append("dense")
            return tf.assign_sub(var, 0.1 * tf.sign(grad)).op

    optimizer = Signs()
    x, _ = minimized(optimizer, steps=10)
    assert calls == ["slots", "prepare", "dense"]
    assert x == pytest.approx(4.0, abs=1e-4)
    assert optimizer.get_slot(tf.trainable_variables()[0], "seen").name == "x/Signs:0"


def test_a_subclass_may_change_gradients():
    class Clipped(tf.train.GradientDescentOptimizer):
        def compute_gradients(self, *args, **kwargs):
            return [(tf.clip_by_value(g, -1.0, 1.0), v) for g, v in super().compute_gradients(*args, **kwargs)]

    x, _ = minimized(Clipped(0.1), steps=10)
    assert x == pytest.approx(4.0, abs=1e-4)


def test_a_saver_restores_and_removes_old_checkpoints(tmp_path):
    v = tf.get_variable("v", [3])
    saver = tf.train.Saver(max_to_keep=2)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        kept = session.run(v)
        paths = [saver.save(session, str(tmp_path / "model.ckpt"), global_step=i) for i in range(3)]
        session.run(v.assign([0, 0, 0]))
        saver.restore(session, paths[-1])
        assert session.run(v).tolist() == kept.tolist()
    assert tf.train.latest_checkpoint(str(tmp_path)) == paths[-1]
    assert [tf.train.checkpoint_exists(path) for path in paths] == [False, True, True]
    assert tf.train.list_variables(str(tmp_path)) == [("v", [3])]
    assert tf.train.NewCheckpointReader(paths[-1]).get_tensor("v").tolist() == kept.tolist()
    with pytest.raises(ValueError, match="not a valid checkpoint"):
        saver.restore(tf.Session(), str(tmp_path / "nothing"))
    with pytest.raises(ValueError, match="Parent directory"):
        saver.save(tf.Session(), str(tmp_path / "no" / "such" / "x"))


def test_summaries_are_written(tmp_path):
    from headrace import _core

    x = tf.placeholder(tf.float32, [])
    tf.summary.scalar("loss", x)
    merged = tf.summary.merge_all()
    with tf.Session() as session, tf.summary.FileWriter(str(tmp_path), session.graph) as writer:
        for step in range(3):
            writer.add_summary(session.run(merged, {x: step * 1.5}), step)
    (name,) = os.listdir(tmp_path)
    events = [e for e in _core.read_events(str(tmp_path / name)) if e.scalars]
    assert [(e.step, e.scalars) for e in events] == [(i, [("loss", i * 1.5)]) for i in range(3)]


def elements(dataset):
    following = dataset.make_one_shot_iterator().get_next()
    result = []
    with tf.Session() as session:
        while True:
            try:
                result.append(session.run(following))
            except tf.errors.OutOfRangeError:
                return result


def test_datasets_transform_their_elements():
    dataset = tf.data.Dataset.from_tensor_slices({"a": np.arange(6), "b": np.arange(6) * 2.0})
    assert dataset.output_types == {"a": tf.int64, "b": tf.float64}
    pairs = dataset.map(lambda f: (f["a"], f["b"] + 1)).filter(lambda a, b: a < 5).batch(2)
    assert [(a.tolist(), b.tolist()) for a, b in elements(pairs)] == [([0, 1], [1, 3]), ([2, 3], [5, 7]), ([4], [9])]
    assert [int(x) for x in elements(tf.data.Dataset.range(2, 8, 3).repeat(2))] == [2, 5, 2, 5]
    assert sorted(int(x) for x in elements(tf.data.Dataset.range(9).shuffle(4, seed=1))) == list(range(9))
    zipped = tf.data.Dataset.zip((tf.data.Dataset.range(2), tf.data.Dataset.range(5).skip(3)))
    assert [tuple(map(int, pair)) for pair in elements(zipped)] == [(0, 3), (1, 4)]


def test_lines_of_files_become_features(tmp_path):
    (tmp_path / "a.csv").write_text("1.5,x\n,y\n")
    dataset = tf.data.TextLineDataset(tf.gfile.Glob(str(tmp_path / "*.csv")))
    number, text = elements(dataset.map(lambda line: tuple(tf.decode_csv(line, [[7.0], [""]]))).batch(2))[0]
    assert (number.tolist(), text.tolist()) == ([1.5, 7.0], [b"x", b"y"])


def test_exceptions_in_map_functions_come_through():
    def fail(x):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        tf.data.Dataset.range(3).map(fail)


def test_files(tmp_path):
    path = str(tmp_path / "dir" / "file.txt")
    tf.gfile.MakeDirs(os.path.dirname(path))
    with tf.gfile.GFile(path, "w") as file:
        file.write("one\ntwo\n")
    with tf.io.gfile.GFile(path) as file:
        assert file.readlines() == ["one\n", "two\n"]
    with tf.io.gfile.GFile(path, "rb") as file:
        assert file.read(3) == b"one" and file.size() == 8
    assert tf.gfile.Exists(path) and tf.io.gfile.isdir(str(tmp_path / "dir"))
    assert tf.gfile.ListDirectory(str(tmp_path)) == ["dir"]
    assert list(tf.io.gfile.walk(str(tmp_path)))[0] == (str(tmp_path), ["dir"], [])
    with pytest.raises(tf.errors.NotFoundError, match="absent"):
        tf.gfile.GFile(str(tmp_path / "absent")).read()
    tf.gfile.DeleteRecursively(str(tmp_path / "dir"))
    assert not tf.gfile.Exists(path)


def test_examples_and_records_round_trip(tmp_path):
    feature = {
        "bytes": tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"a", b""])),
        "floats": tf.train.Feature(float_list=tf.train.FloatList(value=[1.5, -2])),
        "ints": tf.train.Feature(int64_list=tf.train.Int64List(value=[-1, 2**40])),
    }
    data = tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()
    path = str(tmp_path / "x.tfrecord")
    with tf.python_io.TFRecordWriter(path) as writer:
        writer.write(data)
    (record,) = tf.python_io.tf_record_iterator(path)
    back = tf.train.Example.FromString(record).features.feature
    assert back["bytes"].bytes_list.value == [b"a", b""]
    assert back["floats"].float_list.value == [1.5, -2.0]
    assert back["ints"].int64_list.value == [-1, 2**40]
    with pytest.raises(TypeError, match="bytes"):
        tf.train.BytesList(value=["text"])


def test_logging_has_the_familiar_form():
    program = """
import tensorflow as tf
tf.logging.warn("first")
tf.logging.set_verbosity(tf.logging.INFO)
tf.logging.info("loss = %s", 1.5)
tf.logging.debug("unseen")
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stderr == "WARNING:tensorflow:first\nINFO:tensorflow:loss = 1.5\n"


def test_flags():
    from headrace import app

    app.FLAGS(["program"])
    tf.app.flags.DEFINE_integer("steps", 5, "Steps")
    tf.app.flags.DEFINE_boolean("fast", False, "Fast")
    assert tf.app.flags.FLAGS(["program", "--steps=7", "--fast", "rest"]) == ["program", "rest"]
    assert (tf.app.flags.FLAGS.steps, tf.app.flags.FLAGS.fast) == (7, True)


def test_metrics_accumulate():
    x = tf.placeholder(tf.float32, [None])
    value, update = tf.metrics.mean(x)
    with tf.Session() as session:
        session.run(tf.local_variables_initializer())
        session.run(update, {x: [1, 2]})
        session.run(update, {x: [6]})
        assert session.run(value) == 3


def test_feature_columns_make_an_input_layer():
    fc = tf.feature_column
    features = {"n": tf.constant([[1.0], [2.0]]), "c": tf.constant(["a", "b"])}
    letters = fc.categorical_column_with_vocabulary_list("c", ["a", "b", "c"])
    layer = fc.input_layer(features, [fc.numeric_column("n"), fc.indicator_column(letters)])
    with tf.Session() as session:
        session.run(tf.tables_initializer())
        assert session.run(layer).tolist() == [[1, 0, 0, 1], [0, 1, 0, 2]]


def test_examples_are_parsed_into_features():
    def example(words, *fare):
        feature = {"words": tf.train.Feature(bytes_list=tf.train.BytesList(value=words))}
        if fare:
            feature["fare"] = tf.train.Feature(float_list=tf.train.FloatList(value=fare))
        return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()

    spec = {"fare": tf.FixedLenFeature([], tf.float32, 7.0), "words": tf.VarLenFeature(tf.string)}
    batch = tf.placeholder(tf.string, [None])
    features = tf.parse_example(batch, spec)
    one = tf.parse_single_example(example([], 1.5), spec)
    with tf.Session() as session:
        values = session.run(features, {batch: [example([b"a", b"b"], 2.5), example([b"c"])]})
        assert values["fare"].tolist() == [2.5, 7.0]
        assert values["words"].values.tolist() == [b"a", b"b", b"c"]
        assert values["words"].dense_shape.tolist() == [2, 2]
        assert session.run(one["fare"]) == 1.5
    with pytest.raises(ValueError, match="Missing: features"):
        tf.parse_example(batch, {})
