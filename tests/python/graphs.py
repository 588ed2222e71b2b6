"""Small graphs by name, and a program that prints the nodes of each as JSON: run under two interpreters it shows where
the names that two engines give differ."""

import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def graphs(tf):
    """Functions that build a graph from x, float32 [3, 4]."""
    return {
        "arithmetic": lambda x: (x + 1, 1 - x, x * x, x / 2, x // 2, x % 2, x**2, -x, abs(x), 2 / x),
        "comparisons": lambda x: (x > 1, x <= x, tf.equal(x, 1), tf.logical_and(x > 1, x < 2), ~(x > 1)),
        "slices": lambda x: (x[0], x[1:], x[:, 2], x[..., -1], x[None], x[::2, 1:3]),
        "reductions": lambda x: (tf.reduce_sum(x), tf.reduce_mean(x, 0), tf.reduce_max(x, [0, 1], keepdims=True),
                                 tf.reduce_all(x > 0), tf.argmax(x, 1)),
        "shapes": lambda x: (tf.reshape(x, [-1, 2]), tf.expand_dims(x, 1), tf.squeeze(x[None]), tf.shape(x), tf.rank(x),
                             tf.size(x), tf.transpose(x), tf.transpose(x, [1, 0])),
        "joins": lambda x: (tf.concat([x, x], 1),
                            tf.stack([x, x]), tf.unstack(x), tf.split(x, 2, 1), tf.tile(x, [1, 2])),
        "picks": lambda x: (tf.gather(x, [0, 2]), tf.one_hot([0, 1], 3), tf.where(x > 1), tf.where(x > 1, x, -x)),
        "fills": lambda x: (tf.zeros([2, 3]), tf.ones([2]), tf.fill([2], 7.0), tf.zeros_like(x),
                            tf.range(5), tf.cast(x, tf.int32), tf.constant([1, 2])),
        "activations": lambda x: (tf.nn.relu(x), tf.nn.softmax(x), tf.sigmoid(x), tf.tanh(x), tf.nn.elu(x)),
        "products": lambda x: (tf.matmul(x, x, transpose_b=True), tf.nn.bias_add(x, [1.0, 2.0, 3.0, 4.0])),
        "clips": lambda x: (tf.clip_by_value(x, 0, 1), tf.maximum(x, 1), tf.square(x), tf.sqrt(x), tf.add_n([x, x])),
        "random": lambda x: (tf.random_normal([2]), tf.truncated_normal([2], seed=3)),
        "variables": lambda x: (tf.get_variable("v", [2, 3]), tf.Variable([1.0, 2.0]),
                                 tf.global_variables_initializer(),
                                tf.get_variable("z", [2], initializer=tf.zeros_initializer())),
        "saver": lambda x: (tf.get_variable("v", [2]), tf.train.Saver()),
        "scalar_summary": lambda x: tf.summary.scalar("loss", tf.reduce_sum(x)),
    }  # fmt: skip


def main():
    import tensorflow

    tf = tensorflow.compat.v1
    tf.disable_eager_execution()
    tf.disable_resource_variables()
    tf.logging.set_verbosity(tf.logging.ERROR)
    result = {}
    for name, build in graphs(tf).items():
        with tf.Graph().as_default() as graph:
            tf.set_random_seed(1)
            build(tf.placeholder(tf.float32, [3, 4], name="x"))
            result[name] = [[op.name, op.type] for op in graph.get_operations()]
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
