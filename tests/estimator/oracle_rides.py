"""The taxi models under real TensorFlow, for comparison.

usage: oracle_rides.py KIND DIRECTORY STEPS
  KIND is dnn, linear, combined, binary or classes. Trains on DIRECTORY/rides.csv without shuffling, in batches of 128
  rides, over and over; leaves DIRECTORY/tf (checkpoints, one of step 0, and an export) and DIRECTORY/tf/losses.txt.
usage: oracle_rides.py resume KIND DIRECTORY STEPS
  Trains so many steps more on what lies in DIRECTORY/ours; leaves DIRECTORY/ours/losses.txt.
usage: oracle_rides.py predict EXPORT
  Prints the predictions of an export for the rides of RIDES, one a line.
"""

import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np  # noqa: E402
import tensorflow.compat.v1 as tf  # noqa: E402

tf.disable_v2_behavior()
tf.logging.set_verbosity(tf.logging.ERROR)
COLUMNS = ["fare_amount", "pickuplon", "pickuplat", "dropofflon", "dropofflat", "passengers", "key"]
DEFAULTS = [[0.0], [-74.0], [40.0], [-74.0], [40.7], [1.0], ["nokey"]]
INPUTS = COLUMNS[1:6]
CLASSES = {"binary": 2, "classes": 3}
RIDES = {
    "pickuplon": [-73.98, -73.79, -74.0],
    "pickuplat": [40.75, 40.65, 40.71],
    "dropofflon": [-73.95, -73.98, -73.99],
    "dropofflat": [40.78, 40.76, 40.73],
    "passengers": [1.0, 2.0, 5.0],
}


def rides(path, kind):
    def decode(line):
        features = dict(zip(COLUMNS, tf.decode_csv(line, record_defaults=DEFAULTS)))
        fare = features.pop("fare_amount")
        if kind in CLASSES:
            fare = tf.cast(tf.minimum(fare / 20.0, CLASSES[kind] - 1.0), tf.int64)
        return features, fare

    return tf.data.TextLineDataset([path]).map(decode).repeat().batch(128)


def model(kind, model_dir):
    column = tf.feature_column
    numbers = [column.numeric_column(name) for name in INPUTS]
    config = tf.estimator.RunConfig(model_dir=model_dir, tf_random_seed=42)
    if kind == "dnn":
        return tf.estimator.DNNRegressor([16, 4], numbers, config=config)
    if kind == "linear":
        return tf.estimator.LinearRegressor(numbers, config=config)
    if kind in CLASSES:
        return tf.estimator.DNNClassifier([16, 4], numbers, n_classes=CLASSES[kind], config=config)
    lat = column.bucketized_column(column.numeric_column("pickuplat"), np.linspace(40.6, 40.9, 8).tolist())
    lon = column.bucketized_column(column.numeric_column("pickuplon"), np.linspace(-74.1, -73.7, 8).tolist())
    place = column.crossed_column([lat, lon], 64)
    return tf.estimator.DNNLinearCombinedRegressor(
        linear_feature_columns=[lat, lon, place],
        dnn_feature_columns=numbers + [column.embedding_column(place, 4)],
        dnn_hidden_units=[16, 4],
        config=config,
    )


class Losses(tf.train.SessionRunHook):
    def __init__(self):
        self.values = []

    def before_run(self, context):
        return tf.train.SessionRunArgs(context.session.graph.get_tensor_by_name(LOSS))

    def after_run(self, context, values):
        self.values.append(float(values.results))


LOSS = "head/weighted_loss/Sum:0"


def serving_input():
    placeholders = {name: tf.placeholder(tf.float32, [None]) for name in INPUTS}
    return tf.estimator.export.ServingInputReceiver(placeholders, placeholders)


def train(kind, directory, where, steps):
    global LOSS
    LOSS = {"linear": "linear/", "combined": ""}.get(kind, "dnn/") + "head/weighted_loss/Sum:0"
    losses = Losses()
    trained = model(kind, os.path.join(directory, where))
    trained.train(lambda: rides(os.path.join(directory, "rides.csv"), kind), steps=steps, hooks=[losses])
    with open(os.path.join(directory, where, "losses.txt"), "w") as out:
        out.write("\n".join(repr(value) for value in losses.values))
    return trained


def predict(export):
    with tf.Session(graph=tf.Graph()) as session:
        signature = tf.saved_model.loader.load(session, ["serve"], export).signature_def["predict"]
        feeds = {signature.inputs[name].name: np.float32(values) for name, values in RIDES.items()}
        output = signature.outputs.get("predictions", signature.outputs.get("probabilities"))
        for value in session.run(output.name, feeds):
            print(repr(float(value[0])))


if sys.argv[1] == "predict":
    predict(sys.argv[2])
elif sys.argv[1] == "resume":
    train(sys.argv[2], sys.argv[3], "ours", int(sys.argv[4]))
else:
    train(sys.argv[1], sys.argv[2], "tf", int(sys.argv[3])).export_saved_model(
        os.path.join(sys.argv[2], "tf", "export"), serving_input
    )
