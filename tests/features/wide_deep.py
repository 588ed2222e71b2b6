"""Trains a wide and deep model on the taxi data, in file order, under whatever `import tensorflow` is.

usage: python wide_deep.py MODEL_DIR STEPS TAXI_CSV
Continues from MODEL_DIR's checkpoint if there is one. Prints {"losses": one a step, "variables": [[name, shape], ...]}.
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

    return v1.data.TextLineDataset([path]).map(decode).repeat().batch(64)


def bucketized(name, low, high):
    fc = tf.feature_column
    return fc.bucketized_column(fc.numeric_column(name), np.linspace(low, high, 16).tolist())


def model(model_dir):
    fc = tf.feature_column
    from_lat, from_lon = bucketized("pickuplat", 38.0, 42.0), bucketized("pickuplon", -76.0, -72.0)
    to_lat, to_lon = bucketized("dropofflat", 38.0, 42.0), bucketized("dropofflon", -76.0, -72.0)
    start, stop = fc.crossed_column([from_lat, from_lon], 256), fc.crossed_column([to_lat, to_lon], 256)
    both = fc.crossed_column([start, stop], 65536)
    return v1.estimator.DNNLinearCombinedRegressor(
        model_dir=model_dir,
        linear_feature_columns=[start, stop, both, from_lat, from_lon, to_lat, to_lon],
        dnn_feature_columns=[fc.embedding_column(both, 10)] + [fc.numeric_column(name) for name in COLUMNS[1:6]],
        dnn_hidden_units=[8, 4],
    )


class KeepLosses(v1.train.SessionRunHook):
    def __init__(self):
        self.losses = []

    def before_run(self, run_context):
        return v1.train.SessionRunArgs(v1.get_collection(v1.GraphKeys.LOSSES)[0])

    def after_run(self, run_context, run_values):
        self.losses.append(float(np.sum(run_values.results)))


if __name__ == "__main__":
    model_dir, steps, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    hook = KeepLosses()
    model(model_dir).train(lambda: rides(path), max_steps=steps, hooks=[hook])
    variables = [[name, [int(size) for size in shape]] for name, shape in tf.train.list_variables(model_dir)]
    print(json.dumps({"losses": hook.losses, "variables": variables}))
