"""Real TensorFlow on the other side of the format tests: reads what Headrace wrote and writes what it is to read.

usage: oracle_files.py records|checkpoint|events DIRECTORY (the C++ tests say which files are where).
"""

import glob
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402


def sample_variables():
    return {
        "dnn/hiddenlayer_0/kernel": np.arange(6, dtype=np.float32).reshape(2, 3) * 0.5 - 1,
        "dnn/hiddenlayer_0/bias": np.array([1, 2, 3], np.float32),
        "global_step": np.int64(1234567890123),
        "words": np.array([b"a", b"", b"q" * 300], object),
        "empty": np.zeros((0, 4), np.float32),
        "double": np.float64(2.25),
        "int32": np.array([-1, 7], np.int32),
        "uint8": np.array([0, 255], np.uint8),
        "bool": np.array([True, False]),
    }


def save(prefix, values):
    names = sorted(values)
    tf.raw_ops.SaveV2(
        prefix=prefix,
        tensor_names=names,
        shape_and_slices=[""] * len(names),
        tensors=[tf.constant(values[name]) for name in names],
    )


def records(directory):
    ours = [r.numpy() for r in tf.data.TFRecordDataset(directory + "/ours")]
    assert ours == [b"first", b"", b"z" * 5000], ours
    with tf.io.TFRecordWriter(directory + "/r") as writer:
        for record in ours:
            writer.write(record)


def checkpoint(directory):
    values = sample_variables()
    reader = tf.train.load_checkpoint(directory + "/ours")
    shapes = reader.get_variable_to_shape_map()
    assert set(shapes) == set(values), shapes
    for name, value in values.items():
        got = reader.get_tensor(name)
        np.testing.assert_array_equal(got, value, err_msg=name)
    parts = tf.train.load_checkpoint(directory + "/ours_parts").get_tensor("embedding")
    whole = np.arange(200, dtype=np.float32).reshape(100, 2)
    np.testing.assert_array_equal(parts, whole)
    last = tf.raw_ops.RestoreV2(
        prefix=directory + "/ours_parts",
        tensor_names=["embedding"],
        shape_and_slices=["100 2 60,20:-"],
        dtypes=[tf.float32],
    )[0]
    np.testing.assert_array_equal(last, whole[60:80])

    save(directory + "/theirs", values)
    tf.raw_ops.SaveV2(
        prefix=directory + "/theirs_parts",
        tensor_names=["embedding", "embedding"],
        shape_and_slices=["100 2 0,70:-", "100 2 70,30:-"],
        tensors=[tf.constant(whole[:70]), tf.constant(whole[70:])],
    )
    names = sorted(values)
    for i, part in enumerate((names[:4], names[4:])):
        save(directory + f"/shard{i}", {name: values[name] for name in part})
    tf.raw_ops.MergeV2Checkpoints(
        checkpoint_prefixes=[directory + "/shard0", directory + "/shard1"],
        destination_prefix=directory + "/theirs_sharded",
        delete_old_dirs=False,
    )
    save(directory + "/theirs_many", {f"layer_{i}/kernel": np.int32(i) for i in range(9000)})


def events(directory):
    (path,) = glob.glob(directory + "/ours/events.out.tfevents.*")
    read = list(tf.compat.v1.train.summary_iterator(path))
    assert read[0].file_version == "brain.Event:2"
    assert read[1].step == 1 and read[1].summary.value[0].simple_value == 2.5
    assert [(v.tag, v.simple_value) for v in read[2].summary.value] == [("average_loss", 3), ("global_step/sec", 100)]
    assert read[3].session_log.checkpoint_path == "model.ckpt-100"
    assert read[3].session_log.status == tf.compat.v1.SessionLog.CHECKPOINT

    ours = tf.compat.v1.Summary.FromString(open(directory + "/histogram", "rb").read())
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        values = tf.constant(np.arange(-50, 150) * 0.37, tf.float64)
        theirs = tf.compat.v1.Summary.FromString(session.run(tf.compat.v1.summary.histogram("h", values)))
        writer = tf.compat.v1.summary.FileWriter(directory + "/theirs")
        writer.add_summary(tf.compat.v1.Summary(value=[tf.compat.v1.Summary.Value(tag="loss", simple_value=1.5)]), 3)
        writer.close()
    assert theirs.value[0].histo == ours.value[0].histo, (theirs, ours)
    assert theirs.value[0].tag == ours.value[0].tag
    with tf.summary.create_file_writer(directory + "/theirs").as_default():
        tf.summary.scalar("loss2", 0.25, step=9)


if __name__ == "__main__":
    {"records": records, "checkpoint": checkpoint, "events": events}[sys.argv[1]](sys.argv[2])
