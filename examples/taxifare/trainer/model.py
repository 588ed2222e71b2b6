"""The fare of a New York taxi ride, predicted from where it starts, where it ends and how many ride along."""

import tensorflow as tf

tf.compat.v1.logging.set_verbosity(tf.compat.v1.logging.INFO)

# The columns of the CSV files and what stands in for a missing field; the last is a row number.
COLUMNS = ["fare_amount", "pickuplon", "pickuplat", "dropofflon", "dropofflat", "passengers", "key"]
DEFAULTS = [[0.0], [-74.0], [40.0], [-74.0], [40.7], [1.0], ["nokey"]]
LABEL, KEY = "fare_amount", "key"
INPUTS = [name for name in COLUMNS if name not in (LABEL, KEY)]
CENTRE = {"pickuplon": -73.97, "pickuplat": 40.75, "dropofflon": -73.97, "dropofflat": 40.75, "passengers": 1.5}
SPREAD = {"pickuplon": 0.04, "pickuplat": 0.03, "dropofflon": 0.04, "dropofflat": 0.03, "passengers": 1.3}


def taxi_rides(pattern, mode, batch_size):
    """An input function over the CSV files that match: features by name, and the fare in dollars."""

    def decode(line):
        features = dict(zip(COLUMNS, tf.compat.v1.decode_csv(line, record_defaults=DEFAULTS)))
        features.pop(KEY)
        fare = features.pop(LABEL)
        return features, fare

    def input_fn():
        files = tf.compat.v1.gfile.Glob(pattern)
        if not files:
            raise ValueError("no file matches {}".format(pattern))
        rides = tf.compat.v1.data.TextLineDataset(files).map(decode)
        if mode == tf.estimator.ModeKeys.TRAIN:
            rides = rides.shuffle(10 * batch_size).repeat()
        return tf.compat.v1.data.make_one_shot_iterator(rides.batch(batch_size)).get_next()

    return input_fn


def scaled(name):
    """A numeric column whose values lie around zero: degrees as they are would leave the network blind to streets."""
    return tf.feature_column.numeric_column(name, normalizer_fn=lambda x: (x - CENTRE[name]) / SPREAD[name])


def raw_taxi_inputs():
    """What a prediction request holds: the inputs as they are in the CSV files."""
    inputs = {name: tf.compat.v1.placeholder(tf.float32, [None], name=name) for name in INPUTS}
    return tf.estimator.export.ServingInputReceiver(inputs, inputs)


def train_and_evaluate(args):
    """Trains for args.train_steps, evaluates along the way, exports the latest model."""
    estimator = tf.compat.v1.estimator.DNNRegressor(
        hidden_units=args.hidden_units,
        feature_columns=[scaled(name) for name in INPUTS],
        model_dir=args.output_dir,
        config=tf.estimator.RunConfig(tf_random_seed=args.seed),
    )
    train = tf.estimator.TrainSpec(
        taxi_rides(args.train_data_paths, tf.estimator.ModeKeys.TRAIN, args.train_batch_size),
        max_steps=args.train_steps,
    )
    evaluate = tf.estimator.EvalSpec(
        taxi_rides(args.eval_data_paths, tf.estimator.ModeKeys.EVAL, args.eval_batch_size),
        steps=None,
        exporters=tf.estimator.LatestExporter("exporter", raw_taxi_inputs),
        start_delay_secs=args.eval_delay_secs,
        throttle_secs=args.throttle_secs,
    )
    tf.estimator.train_and_evaluate(estimator, train, evaluate)
