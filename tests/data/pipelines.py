"""Runs input pipelines under whatever `import tensorflow` is and prints what they give, as JSON.

usage: python pipelines.py TAXI_CSV
test_pipelines.py runs it under TensorFlow and under Headrace and compares.
"""

import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np
import tensorflow as tf

v1 = tf.compat.v1
COLUMNS = ["fare_amount", "pickuplon", "pickuplat", "dropofflon", "dropofflat", "passengers", "key"]
DEFAULTS = [[0.0], [-74.0], [40.0], [-74.0], [40.7], [1.0], ["nokey"]]


def rides(path):
    def decode(line):
        features = dict(zip(COLUMNS, v1.decode_csv(line, record_defaults=DEFAULTS)))
        return features, features.pop("fare_amount")

    return v1.data.TextLineDataset([path]).map(decode)


def derived(path):
    def add(features, label):
        features["span"] = features["pickuplat"] - features["dropofflat"]
        return features, label * 2.0

    return rides(path).map(add)


PIPELINES = {
    "range_shuffled": lambda path: v1.data.Dataset.range(100).shuffle(13, seed=7).batch(9),
    "range_reshuffled_each_epoch": lambda path: v1.data.Dataset.range(20).shuffle(50, seed=3).repeat(3).batch(8),
    "same_order_each_epoch": lambda path: (
        v1.data.Dataset.range(20).shuffle(6, seed=3, reshuffle_each_iteration=False).repeat(3).batch(8)
    ),
    "repeat_before_shuffle": lambda path: v1.data.Dataset.range(20).repeat(3).shuffle(16, seed=11).batch(7),
    "dropped_remainder": lambda path: v1.data.Dataset.range(10).shuffle(4, seed=2).batch(4, drop_remainder=True),
    "slices": lambda path: (
        v1.data.Dataset.from_tensor_slices(
            {"a": np.arange(6, dtype=np.float32), "b": np.arange(12, dtype=np.int32).reshape(6, 2)}
        )
        .shuffle(3, seed=1)
        .batch(4)
    ),
    "skip_take_shard": lambda path: v1.data.Dataset.range(40).skip(3).take(30).shard(3, 1).batch(4),
    "filtered": lambda path: v1.data.Dataset.range(30).filter(lambda x: tf.equal(x % 3, 0)).batch(4),
    "zipped": lambda path: v1.data.Dataset.zip((v1.data.Dataset.range(5), v1.data.Dataset.range(10, 20))).batch(2),
    "interleaved": lambda path: (
        v1.data.Dataset.range(1, 6)
        .interleave(lambda x: v1.data.Dataset.from_tensors(x).repeat(4), cycle_length=2, block_length=3)
        .batch(5)
    ),
    "taxi_shuffled": lambda path: rides(path).shuffle(500, seed=5).repeat(2).batch(512),
    "taxi_derived": lambda path: derived(path).shuffle(100, seed=9).batch(300),
}


def flatten(element):
    if isinstance(element, dict):
        return [tensor for name in sorted(element) for tensor in flatten(element[name])]
    if isinstance(element, (tuple, list)):
        return [tensor for part in element for tensor in flatten(part)]
    return [element]


def elements(build, path, limit=40):
    with tf.Graph().as_default(), v1.Session() as session:
        v1.set_random_seed(42)
        element = v1.data.make_one_shot_iterator(build(path)).get_next()
        flat = flatten(element)
        result = []
        try:
            while len(result) < limit:
                values = session.run(flat)
                result.append(
                    [[x.decode() if isinstance(x, bytes) else x for x in np.ravel(v).tolist()] for v in values]
                )
        except tf.errors.OutOfRangeError:
            result.append("end")
        return result


if __name__ == "__main__":
    json.dump({name: elements(build, sys.argv[1]) for name, build in PIPELINES.items()}, sys.stdout)
