"""Trains, checkpoints and exports wide and deep models with real TensorFlow's Estimators; checks SavedModels of them.

usage: oracle_wide_deep.py train KIND DIRECTORY
  KIND is rides (the columns of examples/taxi_wide_deep, a regressor; TensorFlow 2's behaviour as that example has it) or
  customers (vocabularies, hash buckets, identities, weights, shared embeddings; a classifier; TensorFlow 1's behaviour).
  Leaves DIRECTORY/model (checkpoints), DIRECTORY/raw and DIRECTORY/examples (SavedModels that take features or
  serialized tf.Examples), and beside each as NAME.json what TensorFlow predicts: {"instances", "signature_name",
  "predictions"}, the form of a request and its answer. Of rides also DIRECTORY/checkpoint.json: what the latest
  checkpoint's graph makes of the same features, {"feeds": {tensor: values}, "fetch": tensor, "values"}.
usage: oracle_wide_deep.py check SAVED_MODEL EXPECTED
  Fails unless TensorFlow predicts from a SavedModel what EXPECTED (one of the files above) says.
"""

import base64
import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np  # noqa: E402
import tensorflow.compat.v1 as tf  # noqa: E402

tf.logging.set_verbosity(tf.logging.ERROR)
HERE = os.path.dirname(os.path.abspath(__file__))
ROWS = 64


class Rides:
    """The model of examples/taxi_wide_deep."""

    def __init__(self, directory):
        sys.path.insert(0, os.path.join(HERE, "..", "..", "examples", "taxi_wide_deep"))
        from trainer import model

        self.raw_receiver = model.serving_input_fn
        self.columns, self.config = model.columns(8, 4), config(directory)
        self.spec = {name: tf.FixedLenFeature([], tf.float32) for name in model.INPUTS}

    def features(self, rows):
        random = np.random.RandomState(1)
        low = {"lon": -74.4, "lat": 40.4}
        return {
            name: (random.randint(1, 7, rows) if name == "passengers" else low[name[-3:]] + random.rand(rows) * 0.8)
            .astype(np.float32)
            for name in self.spec
        }  # fmt: skip

    def label(self, x):
        return 2.5 + 50 * abs(x["pickuplon"] - x["dropofflon"]) + 50 * abs(x["pickuplat"] - x["dropofflat"])

    def estimator(self):
        wide, deep = self.columns
        return tf.estimator.DNNLinearCombinedRegressor(
            linear_feature_columns=wide, dnn_feature_columns=deep, dnn_hidden_units=[16, 4], config=self.config
        )


class Customers:
    """A model with every kind of column that the rides lack."""

    def __init__(self, directory):
        tf.disable_v2_behavior()
        self.config = config(directory)
        self.vocabulary = os.path.join(directory, "colors.txt")
        with open(self.vocabulary, "w") as file:
            file.write("red\ngreen\nblue\n")
        self.spec = {
            "age": tf.FixedLenFeature([], tf.float32),
            "job": tf.FixedLenFeature([], tf.string),
            "color": tf.FixedLenFeature([], tf.string),
            "city": tf.FixedLenFeature([], tf.string),
            "children": tf.FixedLenFeature([], tf.int64),
            "watched": tf.VarLenFeature(tf.string),
            "liked": tf.VarLenFeature(tf.string),
            "words": tf.VarLenFeature(tf.string),
            "weights": tf.VarLenFeature(tf.float32),
        }

    def features(self, rows):
        random = np.random.RandomState(2)
        return {
            "age": random.uniform(18, 80, rows).astype(np.float32),
            "job": random.choice(["clerk", "cook", "pilot", "poet"], rows),
            "color": random.choice(["red", "green", "blue", "mauve"], rows),
            "city": random.choice(["Ulm", "Bern", "Graz", ""], rows),
            "children": random.randint(-1, 7, rows),
            "watched": random.choice(["Alien", "Brazil", "Casablanca", ""], (rows, 3)),
            "liked": random.choice(["Alien", "Brazil", "Casablanca", ""], (rows, 2)),
            "words": random.choice(["and", "or", "not"], (rows, 2)),
            "weights": random.uniform(0.1, 1, (rows, 2)).astype(np.float32),
        }

    def label(self, x):
        return (x["age"] > 45).astype(np.int64)

    def raw_receiver(self):
        taken = {
            name: tf.placeholder(of.dtype, [None] if isinstance(of, tf.FixedLenFeature) else [None, None])
            for name, of in self.spec.items()
        }
        return tf.estimator.export.ServingInputReceiver(taken, taken)

    def estimator(self):
        fc = tf.feature_column
        age = fc.numeric_column("age")
        decade = fc.bucketized_column(age, [25.0, 35.0, 45.0, 65.0])
        job = fc.categorical_column_with_vocabulary_list("job", ["clerk", "cook", "pilot"], num_oov_buckets=2)
        color = fc.categorical_column_with_vocabulary_file("color", self.vocabulary, 3, num_oov_buckets=1)
        city = fc.categorical_column_with_hash_bucket("city", 11)
        children = fc.categorical_column_with_identity("children", 5, default_value=0)
        films = ["Alien", "Brazil"]
        watched, liked = (fc.categorical_column_with_vocabulary_list(key, films) for key in ("watched", "liked"))
        words = fc.weighted_categorical_column(fc.categorical_column_with_hash_bucket("words", 7), "weights")
        crosses = [fc.crossed_column([decade, "job", "city"], 50), fc.crossed_column([decade, children, "watched"], 40)]
        deep = [age, fc.indicator_column(color), fc.indicator_column(words), fc.embedding_column(job, 2)]
        deep += [fc.embedding_column(words, 2, combiner="sum"), fc.embedding_column(city, 2, max_norm=0.5)]
        deep += [
            fc.embedding_column(crosses[0], 4),
            *fc.shared_embedding_columns([watched, liked], 3, combiner="sqrtn"),
        ]
        return tf.estimator.DNNLinearCombinedClassifier(
            linear_feature_columns=[decade, job, color, city, children, watched, words, *crosses],
            dnn_feature_columns=deep,
            dnn_hidden_units=[8, 4],
            config=self.config,
        )


def config(directory):
    return tf.estimator.RunConfig(os.path.join(directory, "model"), tf_random_seed=7)


def example(features, row):
    feature = {}
    for name, values in features.items():
        items = np.atleast_1d(values[row])
        if items.dtype.kind == "U":
            items = [item.encode() for item in items if item]  # an empty string is no value
            feature[name] = tf.train.Feature(bytes_list=tf.train.BytesList(value=items or [b""] * (values.ndim == 1)))
        elif items.dtype.kind == "i":
            feature[name] = tf.train.Feature(int64_list=tf.train.Int64List(value=items))
        else:
            feature[name] = tf.train.Feature(float_list=tf.train.FloatList(value=items))
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()


def plain(value):
    """As JSON has it; TensorFlow's strings are bytes."""
    return value.decode() if isinstance(value, bytes) else value


def predict(saved_model, instances):
    """One {output: value} for each instance, an {input: value} or a serialized example as {"b64": ...}."""
    with tf.Session(graph=tf.Graph()) as session:
        signature = tf.saved_model.loader.load(session, ["serve"], saved_model).signature_def["predict"]
        feeds = {}
        for name, info in signature.inputs.items():
            if "b64" in instances[0]:
                feeds[info.name] = [base64.b64decode(instance["b64"]) for instance in instances]
            else:
                feeds[info.name] = [instance[name] for instance in instances]
        results = session.run({name: info.name for name, info in signature.outputs.items()}, feeds)
    return [
        {name: np.vectorize(plain, otypes=[object])(values[row]).tolist() for name, values in results.items()}
        for row in range(len(instances))
    ]


def write_expected(saved_model, instances):
    answer = {"instances": instances, "signature_name": "predict", "predictions": predict(saved_model, instances)}
    with open(saved_model + ".json", "w") as file:
        json.dump(answer, file)


def write_checkpoint_values(directory, features):
    """The logits that the graph of the latest checkpoint computes if the iterator's elements are fed."""
    latest = tf.train.latest_checkpoint(os.path.join(directory, "model"))
    with tf.Graph().as_default() as graph, tf.Session() as session:
        tf.train.import_meta_graph(latest + ".meta").restore(session, latest)
        names = [f"IteratorGetNext:{i}" for i in range(len(features))]
        feeds = dict(zip(names, (features[name].tolist() for name in sorted(features)), strict=True))
        logits = graph.get_operation_by_name("add").outputs[0].name
        values = session.run(logits, feeds).tolist()
    with open(os.path.join(directory, "checkpoint.json"), "w") as file:
        json.dump({"feeds": feeds, "fetch": logits, "values": values}, file)


def train(kind, directory):
    model = {"rides": Rides, "customers": Customers}[kind](directory)
    x = model.features(ROWS)
    estimator = model.estimator()
    estimator.train(lambda: tf.data.Dataset.from_tensor_slices((x, model.label(x))).repeat().batch(16), steps=20)
    receivers = {
        "raw": model.raw_receiver,
        "examples": tf.estimator.export.build_parsing_serving_input_receiver_fn(model.spec),
    }
    instances = {
        "raw": [{name: values[row].tolist() for name, values in x.items()} for row in range(10)],
        "examples": [{"b64": base64.b64encode(example(x, row)).decode()} for row in range(10)],
    }
    for name, receiver in receivers.items():
        exported = estimator.export_saved_model(os.path.join(directory, "exports"), receiver).decode()
        os.rename(exported, os.path.join(directory, name))
        write_expected(os.path.join(directory, name), instances[name])
    if kind == "rides":
        write_checkpoint_values(directory, {name: values[:10] for name, values in x.items()})


def check(saved_model, expected_path):
    with open(expected_path) as file:
        expected = json.load(file)
    for given, wanted in zip(predict(saved_model, expected["instances"]), expected["predictions"], strict=True):
        assert given.keys() == wanted.keys(), (given, wanted)
        for name, value in wanted.items():
            if isinstance(value[0], str):
                assert given[name] == value, (name, given, value)
            else:
                np.testing.assert_allclose(given[name], value, rtol=1e-5, atol=1e-7, err_msg=name)


if __name__ == "__main__":
    {"train": train, "check": check}[sys.argv[1]](*sys.argv[2:])
