"""Runs that end early, and objects that outlive what made them."""

import gc
import os
import signal
import subprocess
import sys
import time

import pytest
import tensorflow as tf

ENDLESS = """
import sys
import tensorflow as tf
numbers = tf.data.Dataset.range(1 << 60).filter(lambda x: x < 0)
if sys.argv[1] == "inline":
    numbers = tf.data.Dataset.range(1 << 60).filter(lambda x: tf.logical_and(x < 0, tf.random_uniform([]) < 0.5))
element = tf.data.make_one_shot_iterator(numbers).get_next()
with tf.Session() as session:
    print("running", flush=True)
    try:
        session.run(element)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""

FEEDING_HOOK = """
import tempfile
import tensorflow as tf


class Rates(tf.train.SessionRunHook):
    fed = 0.0

    def begin(self):
        graph = tf.get_default_graph()
        self.rate, self.used = graph.get_tensor_by_name("rate:0"), graph.get_tensor_by_name("used:0")

    def before_run(self, run_context):
        self.fed += 1.0
        return tf.train.SessionRunArgs(self.used, feed_dict={self.rate: self.fed})

    def after_run(self, run_context, run_values):
        assert run_values.results == self.fed


def model(features, labels, mode):
    rate = tf.placeholder_with_default(0.1, [], name="rate")
    loss = tf.identity(rate, name="used")
    train = tf.assign_add(tf.train.get_global_step(), 1)
    return tf.estimator.EstimatorSpec(mode, loss=loss, train_op=train)


estimator = tf.estimator.Estimator(model, tempfile.mkdtemp())
estimator.train(lambda: tf.data.Dataset.range(1).repeat(), hooks=[Rates()], max_steps=STEPS)
"""


@pytest.mark.parametrize("form", ["ahead", "inline"])
def test_ctrl_c_ends_a_run(form):
    program = subprocess.Popen(
        [sys.executable, "-c", ENDLESS, form], stdout=subprocess.PIPE, text=True, preexec_fn=os.setpgrp
    )
    assert program.stdout.readline() == "running\n"
    time.sleep(0.5)
    program.send_signal(signal.SIGINT)
    output, _ = program.communicate(timeout=60)
    assert output == "interrupted\n"
    assert program.returncode == 0


def test_a_run_takes_no_longer_than_its_timeout():
    numbers = tf.data.Dataset.range(1 << 60).filter(lambda x: x < 0)
    element = tf.data.make_one_shot_iterator(numbers).get_next()
    with tf.Session() as session, pytest.raises(tf.errors.DeadlineExceededError):
        session.run(element, options=tf.RunOptions(timeout_in_ms=100))


def test_a_variable_is_read_where_it_is_used():
    for resource in (False, True):
        with tf.Graph().as_default():
            v = tf.get_variable("v", initializer=1.0, use_resource=resource)
            with tf.control_dependencies([v.assign(5.0)]):
                reads = [v.read_value(), tf.identity(v), v * 1.0]
            with tf.Session() as session:
                for read in reads:
                    session.run(tf.global_variables_initializer())
                    assert session.run([read, v]) in ([5.0, 5.0], [5.0, 1.0])
                    assert session.run(v) == 5.0


def test_a_datasets_function_reads_and_writes_variables():
    v = tf.get_variable("v", initializer=tf.constant(0, tf.int64), use_resource=True)

    def count(x):
        with tf.control_dependencies([v.assign_add(1)]):
            return x + 0

    counted = tf.data.Dataset.range(3).map(count).make_initializable_iterator()
    summed = tf.data.Dataset.range(3).map(lambda x: x + v).make_initializable_iterator()
    one, sums = counted.get_next(), summed.get_next()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run([counted.initializer, summed.initializer])
        assert session.run(sums) == 0
        for _ in range(3):
            session.run(one)
        assert session.run(v) == 3
        assert session.run(sums) == 4


def test_what_was_made_in_a_graph_keeps_it():
    with tf.Graph().as_default():
        dataset = tf.data.Dataset.range(3)
        iterator = dataset.make_initializable_iterator()
        variable = tf.get_variable("weights", [2, 3])
        resource = tf.get_variable("resource", [2], use_resource=True)
        saver = tf.train.Saver()
    gc.collect()
    with pytest.raises(ValueError, match="different from the graph"):
        dataset.make_one_shot_iterator()
    assert iterator.initializer.name == "MakeIterator"
    assert variable.name == "weights:0" and variable.shape.as_list() == [2, 3]
    assert resource.op.type == "VarHandleOp"
    with tf.Session() as session, pytest.raises((ValueError, tf.errors.InvalidArgumentError)):
        saver.save(session, "/nowhere/model")


def test_a_hook_that_feeds_has_one_plan():
    def plans(steps):
        run = subprocess.run(
            [sys.executable, "-c", FEEDING_HOOK.replace("STEPS", str(steps))],
            env={**os.environ, "HEADRACE_DEBUG": "1"}, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert run.returncode == 0, run.stderr
        return run.stderr.count("plan of ")

    assert plans(5) == plans(40)
