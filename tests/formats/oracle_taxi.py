"""Trains and exports the taxi-fare model (the shape of the public lab's) with real TensorFlow's Estimator.

usage: oracle_taxi.py train DIRECTORY. Leaves DIRECTORY/model (checkpoints, events), DIRECTORY/export (the SavedModel)
and DIRECTORY/expected.json: {"instances": [...], "predictions": [...]} as TensorFlow predicts from the export.

usage: oracle_taxi.py check SAVED_MODEL EXPECTED. Fails unless TensorFlow's predictions from a SavedModel are the expected
ones, loaded in the way of 1.x and in that of 2.x.
"""

import json
import os
import shutil
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np  # noqa: E402
import tensorflow as tf2  # noqa: E402
import tensorflow.compat.v1 as tf  # noqa: E402

tf.logging.set_verbosity(tf.logging.ERROR)
INPUTS = ["pickuplon", "pickuplat", "dropofflon", "dropofflat", "passengers"]


def features(rows, seed):
    random = np.random.RandomState(seed)
    columns = {
        "pickuplon": random.uniform(-74.1, -73.7, rows),
        "pickuplat": random.uniform(40.6, 40.9, rows),
        "dropofflon": random.uniform(-74.1, -73.7, rows),
        "dropofflat": random.uniform(40.6, 40.9, rows),
        "passengers": random.randint(1, 6, rows),
    }
    return {name: column.astype(np.float32) for name, column in columns.items()}


def train_input():
    x = features(2000, 1)
    fare = 2.5 + 150 * (abs(x["pickuplon"] - x["dropofflon"]) + abs(x["pickuplat"] - x["dropofflat"]))
    return tf.data.Dataset.from_tensor_slices((x, fare)).repeat().batch(128)


def serving_input():
    placeholders = {name: tf.placeholder(tf.float32, [None]) for name in INPUTS}
    return tf.estimator.export.ServingInputReceiver(
        {name: tf.expand_dims(t, -1) for name, t in placeholders.items()}, placeholders
    )


def main(directory):
    tf.disable_v2_behavior()
    model = tf.estimator.DNNRegressor(
        hidden_units=[32, 8],
        feature_columns=[tf.feature_column.numeric_column(name) for name in INPUTS],
        model_dir=os.path.join(directory, "model"),
        config=tf.estimator.RunConfig(tf_random_seed=7),
    )
    model.train(train_input, steps=200)
    exported = model.export_saved_model(os.path.join(directory, "exports"), serving_input).decode()
    shutil.move(exported, os.path.join(directory, "export"))
    x = features(5, 2)
    instances = [{name: float(x[name][i]) for name in INPUTS} for i in range(5)]
    with open(os.path.join(directory, "expected.json"), "w") as out:
        json.dump({"instances": instances, "predictions": predict(os.path.join(directory, "export"), x)}, out)


def predict(saved_model, x):
    with tf.Session(graph=tf.Graph()) as session:
        meta = tf.saved_model.loader.load(session, ["serve"], saved_model)
        signature = meta.signature_def["predict"]
        return session.run(
            signature.outputs["predictions"].name, {signature.inputs[name].name: x[name] for name in INPUTS}
        ).tolist()


def check(saved_model, expected_path):
    with open(expected_path) as file:
        expected = json.load(file)
    x = {name: np.array([row[name] for row in expected["instances"]], np.float32) for name in INPUTS}
    np.testing.assert_allclose(predict(saved_model, x), expected["predictions"], rtol=1e-5)
    loaded = tf2.saved_model.load(saved_model, tags=["serve"])
    got = loaded.signatures["predict"](**{name: tf.constant(value) for name, value in x.items()})
    np.testing.assert_allclose(got["predictions"].numpy(), expected["predictions"], rtol=1e-5)


if __name__ == "__main__":
    {"train": main, "check": check}[sys.argv[1]](*sys.argv[2:])
