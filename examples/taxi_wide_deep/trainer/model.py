"""Taxi fares by a wide and deep model: where a ride starts and ends as crossed grid cells, beside their embedding."""

import tensorflow as tf

tf.compat.v1.logging.set_verbosity(tf.compat.v1.logging.INFO)

COLUMNS = ["fare_amount", "pickuplon", "pickuplat", "dropofflon", "dropofflat", "passengers", "key"]
DEFAULTS = [[0.0], [-74.0], [40.0], [-74.0], [40.7], [1.0], ["nokey"]]
INPUTS = ["pickuplon", "pickuplat", "dropofflon", "dropofflat", "passengers"]
LONGITUDES, LATITUDES = (-74.3, -73.7), (40.5, 41.0)


def grid(low, high, cells):
    """The inner boundaries of equal cells between low and high (degrees)."""
    return [low + (high - low) * i / cells for i in range(cells + 1)]


def columns(cells, embedding_size):
    """(wide, deep): the linear model's sparse columns and the network's dense ones."""
    fc = tf.feature_column
    numeric = {name: fc.numeric_column(name) for name in INPUTS}
    bucket = {
        name: fc.bucketized_column(numeric[name], grid(*(LONGITUDES if "lon" in name else LATITUDES), cells))
        for name in INPUTS[:4]
    }
    pickup = fc.crossed_column([bucket["pickuplat"], bucket["pickuplon"]], cells * cells)
    dropoff = fc.crossed_column([bucket["dropofflat"], bucket["dropofflon"]], cells * cells)
    ride = fc.crossed_column([pickup, dropoff], cells**4)
    wide = [pickup, dropoff, ride] + list(bucket.values())
    deep = [fc.embedding_column(ride, embedding_size)] + list(numeric.values())
    return wide, deep


def rides(pattern, mode, batch_size):
    """An input function over the CSV files that match: features by name, and the fare in dollars."""

    def decode(line):
        features = dict(zip(COLUMNS, tf.compat.v1.decode_csv(line, record_defaults=DEFAULTS)))
        features.pop("key")
        return features, features.pop("fare_amount")

    def input_fn():
        dataset = tf.compat.v1.data.TextLineDataset(tf.compat.v1.gfile.Glob(pattern)).map(decode)
        if mode == tf.estimator.ModeKeys.TRAIN:
            dataset = dataset.shuffle(10 * batch_size).repeat()
        return tf.compat.v1.data.make_one_shot_iterator(dataset.batch(batch_size)).get_next()

    return input_fn


def serving_input_fn():
    """Predictions take the raw coordinates and the number of passengers."""
    inputs = {name: tf.compat.v1.placeholder(tf.float32, [None], name=name) for name in INPUTS}
    return tf.estimator.export.ServingInputReceiver(inputs, inputs)


def train_and_evaluate(args):
    """Trains for args.train_steps, evaluates after each checkpoint and exports the latest model."""
    wide, deep = columns(args.cells, args.embedding_size)
    estimator = tf.compat.v1.estimator.DNNLinearCombinedRegressor(
        model_dir=args.output_dir,
        linear_feature_columns=wide,
        dnn_feature_columns=deep,
        dnn_hidden_units=args.hidden_units,
        config=tf.estimator.RunConfig(tf_random_seed=args.seed),
    )
    tf.estimator.train_and_evaluate(
        estimator,
        tf.estimator.TrainSpec(
            rides(args.train_data_paths, tf.estimator.ModeKeys.TRAIN, args.batch_size), max_steps=args.train_steps
        ),
        tf.estimator.EvalSpec(
            rides(args.eval_data_paths, tf.estimator.ModeKeys.EVAL, 1000),
            steps=None,
            exporters=[tf.estimator.LatestExporter("exporter", serving_input_fn)],
            start_delay_secs=1,
            throttle_secs=60,
        ),
    )
