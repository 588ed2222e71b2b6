"""A wide and deep model of customers under whatever `import tensorflow` is: its checkpoints and exports change hands.

usage: python wide_deep_customers.py train|predict|export DIRECTORY
  train makes 20 steps in DIRECTORY/model; export writes the latest checkpoint's model to DIRECTORY/export.
usage: python wide_deep_customers.py serve DIRECTORY
  Predicts from DIRECTORY/export (under TensorFlow only).
Each but train prints the predictions for the first ten customers, a list of numbers.
"""

import json
import os
import shutil
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np
import tensorflow as tf

v1 = tf.compat.v1
TYPES = {"age": tf.float32, "job": tf.string, "color": tf.string, "city": tf.string, "children": tf.int64}


def customers(rows=64):
    random = np.random.RandomState(3)
    return {
        "age": random.uniform(18, 80, rows).astype(np.float32),
        "job": random.choice(["clerk", "cook", "pilot", "poet", ""], rows),
        "color": random.choice(["red", "green", "blue", "mauve"], rows),
        "city": random.choice(["Ulm", "Bern", "Graz"], rows),
        "children": random.randint(-1, 7, rows).astype(np.int64),
    }


def model(directory):
    fc = tf.feature_column
    vocabulary = os.path.join(directory, "colors.txt")
    with open(vocabulary, "w") as file:
        file.write("red\ngreen\nblue\n")
    age = fc.numeric_column("age")
    decade = fc.bucketized_column(age, [25.0, 35.0, 45.0, 65.0])
    job = fc.categorical_column_with_vocabulary_list("job", ["clerk", "cook", "pilot"], num_oov_buckets=2)
    color = fc.categorical_column_with_vocabulary_file("color", vocabulary, 3, num_oov_buckets=1)
    city = fc.categorical_column_with_hash_bucket("city", 11)
    children = fc.categorical_column_with_identity("children", 5, default_value=0)
    crosses = [fc.crossed_column([decade, "job", "city"], 50), fc.crossed_column([decade, children], 20)]
    return v1.estimator.DNNLinearCombinedRegressor(
        model_dir=os.path.join(directory, "model"),
        linear_feature_columns=[decade, job, color, city, children, *crosses],
        dnn_feature_columns=[
            age,
            fc.indicator_column(color),
            fc.indicator_column(children),
            fc.embedding_column(job, 2, combiner="sum"),
            fc.embedding_column(city, 3, combiner="sqrtn"),
            fc.embedding_column(crosses[0], 4),
        ],
        dnn_hidden_units=[8, 4],
    )


def train(directory):
    x = customers()
    labels = x["age"] / 10 + x["children"]
    model(directory).train(lambda: v1.data.Dataset.from_tensor_slices((x, labels)).repeat().batch(16), steps=20)


def predict(directory):
    x = {name: values[:10] for name, values in customers().items()}
    predictions = model(directory).predict(lambda: v1.data.Dataset.from_tensor_slices(x).batch(4))
    print(json.dumps([float(prediction["predictions"][0]) for prediction in predictions]))


def export(directory):
    def receiver():
        taken = {name: v1.placeholder(dtype, [None], name=name) for name, dtype in TYPES.items()}
        return tf.estimator.export.ServingInputReceiver(taken, taken)

    exported = model(directory).export_saved_model(os.path.join(directory, "exports"), receiver)
    shutil.move(os.fsdecode(exported), os.path.join(directory, "export"))
    predict(directory)


def serve(directory):
    with v1.Session(graph=tf.Graph()) as session:
        meta = v1.saved_model.loader.load(session, ["serve"], os.path.join(directory, "export"))
        signature = meta.signature_def["predict"]
        feeds = {signature.inputs[name].name: values[:10] for name, values in customers().items()}
        print(json.dumps(session.run(signature.outputs["predictions"].name, feeds).ravel().tolist()))


if __name__ == "__main__":
    {"train": train, "predict": predict, "export": export, "serve": serve}[sys.argv[1]](sys.argv[2])
