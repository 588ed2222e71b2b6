"""tf.test: sessions of a test case, its assertions (which must fail where they should), decorators, gradient checkers."""

import sys
import threading
import unittest

import numpy as np
import pytest
import tensorflow as tf
from absl.testing import parameterized
from tensorflow.python.framework import test_util
from tensorflow.python.ops import gradient_checker, gradient_checker_v2
from tensorflow.python.platform import googletest


class Case(tf.test.TestCase):
    __test__ = False  # pytest has nothing to run in it

    def runTest(self):
        pass


@pytest.fixture
def case():
    made = Case()
    made.setUp()
    yield made
    made.tearDown()


def run(cls):
    """Runs a class's tests in a thread, outside this file's graph; gives how many ran, failed, and were skipped."""
    result = unittest.TestResult()
    names = [name for name in unittest.defaultTestLoader.getTestCaseNames(cls) if name != "test_session"]
    thread = threading.Thread(target=unittest.TestSuite(map(cls, names)).run, args=(result,))
    thread.start()
    thread.join()
    return result.testsRun, len(result.failures) + len(result.errors), len(result.skipped)


def test_sessions(case):
    x = tf.constant([1.0, 2.0])
    with case.cached_session() as first:
        assert tf.get_default_session() is first
        assert case.evaluate(x).tolist() == [1.0, 2.0]
        assert case.evaluate({"a": (x, x)})["a"][1].tolist() == [1.0, 2.0]
    with case.cached_session() as again:
        assert again is first
    with case.session() as fresh, case.test_session() as cached:
        assert fresh is not first and cached is first
    with pytest.raises(ValueError, match="another graph"):
        with case.cached_session(graph=tf.Graph()):
            pass
    with case.session(graph=tf.Graph()) as other:
        assert other.graph is tf.get_default_graph()


def test_every_test_has_a_fresh_graph_and_the_same_seeds():
    drawn = []

    class Draws(tf.test.TestCase):
        def test_one(self):
            drawn.append((np.random.rand(), len(tf.get_default_graph().get_operations())))
            with self.session():
                drawn.append(tf.random_uniform([]).eval())

        test_two = test_one

    assert run(Draws) == (2, 0, 0)
    assert drawn[:2] == drawn[2:] and drawn[0][1] == 0


@pytest.mark.parametrize(
    ("assertion", "right", "wrong"),
    [
        ("assertAllClose", ([1.0], [1.0 + 1e-7]), ([1.0], [1.1])),
        ("assertAllClose", ({"a": [1.0], "b": (2.0,)}, {"a": [1.0], "b": (2.0,)}), ({"a": [1.0]}, {"b": [1.0]})),
        ("assertAllClose", ([[1.0], [2.0, 3.0]], [[1.0], [2.0, 3.0]]), ([[1.0], [2.0, 3.0]], [[1.0], [2.0, 4.0]])),
        ("assertAllClose", (np.nan, np.nan), (np.nan, 1.0)),
        ("assertAllCloseAccordingToType", (np.float16([1.0]), np.float16([1.001])), (np.float32([1.0]), np.float32([1.001]))),
        ("assertNotAllClose", ([1.0], [1.1]), ([1.0], [1.0])),
        ("assertAllEqual", ([1, 2], np.array([1, 2])), ([1, 2], [1, 3])),
        ("assertAllEqual", ([b"a"], [b"a"]), ([1, 2], [[1, 2]])),
        ("assertAllEqual", ([np.nan], [np.nan]), ([np.nan], [1.0])),
        ("assertNotAllEqual", ([1], [2]), ([1], [1])),
        ("assertAllGreater", ([2, 3], 1), ([1, 3], 1)),
        ("assertAllLessEqual", ([1, 2], 2), ([1, 3], 2)),
        ("assertAllInRange", ([1, 2], 1, 2), ([1, 3], 1, 2)),
        ("assertAllInSet", ([1, 2], {1, 2}), ([1, 3], {1, 2})),
        ("assertNear", (1.0, 1.05, 0.1), (1.0, 1.2, 0.1)),
        ("assertArrayNear", ([1.0], [1.05], 0.1), ([1.0, 2.0], [1.0], 0.1)),
        ("assertNDArrayNear", (np.ones(2), np.ones(2), 0.1), (np.ones(2), np.zeros(2), 0.1)),
        ("assertDTypeEqual", (np.ones(2, np.int32), tf.int32), (np.ones(2, np.int32), np.int64)),
        ("assertDeviceEqual", ("/device:cpu:0", "/CPU:0"), ("/CPU:0", "/CPU:1")),
        ("assertStartsWith", ("abc", "ab"), ("abc", "b")),
    ],
)  # fmt: skip
def test_an_assertion_holds_and_fails(case, assertion, right, wrong):
    getattr(case, assertion)(*right)
    with pytest.raises((AssertionError, ValueError)):
        getattr(case, assertion)(*wrong)


def test_assertions_evaluate_tensors(case):
    case.assertAllEqual(tf.constant([1, 2]) * 2, [2, 4])
    case.assertShapeEqual(np.zeros([2, 3]), tf.zeros([2, 3]))
    with pytest.raises(AssertionError):
        case.assertShapeEqual(np.zeros([2, 3]), tf.zeros([3, 2]))


def test_errors_are_matched_by_class_and_message(case):
    with case.session() as session:
        with case.assertRaisesOpError("Expected.*"):
            raise tf.errors.InvalidArgumentError(None, None, "Expected something")
        with pytest.raises(AssertionError, match="does not match"):
            with case.assertRaisesOpError("other"):
                raise tf.errors.InvalidArgumentError(None, None, "Expected something")
        with pytest.raises(AssertionError, match="not raised"):
            with case.assertRaisesOpError("x"):
                session.run(tf.constant(1))


def test_messages_are_compared_with_text(case):
    graph_def = tf.GraphDef(node=[tf.NodeDef(name="a", op="NoOp")])
    case.assertProtoEquals("node { name: 'a' op: 'NoOp' }", graph_def)
    with pytest.raises(AssertionError):
        case.assertProtoEquals("node { name: 'b' op: 'NoOp' }", graph_def)
    other = tf.GraphDef(node=[tf.NodeDef(name="a", op="Const")])
    with pytest.raises(AssertionError, match="the first is 'a'"):
        tf.test.assert_equal_graph_def(graph_def, other)


def test_writes_to_streams_are_captured(case, capfd):
    with capfd.disabled(), case.captureWritesToStream(sys.__stderr__) as written:
        with case.session() as session:
            session.run(tf.Print(tf.constant(1), [tf.constant(7)], message="seen: "))
    assert "seen: [7]" in written.contents()


def test_a_failing_thread_fails_the_test():
    class Threads(tf.test.TestCase):
        def test_fails(self):
            self.checkedThread(target=self.fail, args=("in the thread",)).start()

        def test_passes(self):
            thread = self.checkedThread(target=lambda: None)
            thread.start()
            thread.join()

    assert run(Threads) == (2, 1, 0)


def test_decorators_of_modes():
    ran = []

    class Modes(parameterized.TestCase, tf.test.TestCase):
        @test_util.run_deprecated_v1
        def test_graph(self):
            ran.append("graph")

        @test_util.run_v1_only("b/1")
        def test_v1(self):
            ran.append("v1")

        @test_util.run_v2_only
        def test_v2(self):
            ran.append("v2")

        @test_util.run_cuda_only
        def test_gpu(self):
            ran.append("gpu")

        @test_util.run_in_graph_and_eager_modes
        def test_both(self):
            ran.append("eager" if tf.executing_eagerly() else "both")

        @test_util.disable_xla("b/2")
        @parameterized.parameters(1, 2)
        def test_many(self, number):
            ran.append(number)

    assert run(Modes) == (7, 0, 2)
    assert set(ran) - {"eager"} == {"graph", "v1", "both", 1, 2}


def test_combinations_make_tests():
    from tensorflow.python.framework import combinations

    ran = []

    class Combined(tf.test.TestCase, parameterized.TestCase):
        @combinations.generate(
            combinations.times(
                combinations.combine(tf_api_version=[1, 2], mode=["graph"]), combinations.combine(n=[3, 4])
            )
        )
        def testN(self, n):
            ran.append(n)

    assert run(Combined) == (4, 0, 2)
    assert sorted(ran) == [3, 4]


def test_gradient_checker_finds_right_and_wrong_gradients():
    with tf.Session():
        x = tf.placeholder(tf.float64, [2, 3])
        y = tf.reduce_sum(tf.tanh(x) * x, axis=1)
        assert gradient_checker.compute_gradient_error(x, [2, 3], y, [2]) < 1e-5
        symbolic, numeric = tf.test.compute_gradient(x, [2, 3], y, [2])
        assert symbolic.shape == numeric.shape == (6, 2)
        wrong = tf.stop_gradient(x) * x
        assert gradient_checker.compute_gradient_error(x, [2, 3], wrong, [2, 3], x_init_value=np.ones([2, 3])) > 0.5


def test_gradient_checker_v2_takes_functions():
    points = [np.ones([2, 2]), np.full([2, 2], 3.0)]
    symbolic, numeric = gradient_checker_v2.compute_gradient(tf.matmul, points)
    assert gradient_checker_v2.max_error(symbolic, numeric) < 1e-6
    with pytest.raises(ValueError, match="must be a list"):
        gradient_checker_v2.compute_gradient(tf.square, np.ones(1))


def test_benchmarks_report(capsys):
    class Speed(tf.test.Benchmark):
        def benchmarkAdd(self):
            with tf.Session() as session:
                self.run_op_benchmark(session, tf.constant(1) + 2, min_iters=2)

    from tensorflow.python.platform import benchmark

    benchmark._run_benchmarks("Speed.*Add")
    assert '"name": "Speed.benchmarkAdd"' in capsys.readouterr().out


def test_functions_of_tf_test():
    assert not tf.test.is_built_with_cuda()
    assert not tf.test.is_gpu_available()
    assert tf.test.gpu_device_name() == ""
    assert googletest.GetTempDir() == tf.test.get_temp_dir()
    with tf.test.mock.patch("os.getcwd", return_value="there") as patched:
        import os

        assert os.getcwd() == "there" and patched.called


def test_fake_summary_writers_remember(case):
    from tensorflow.contrib.testing.python.framework.fake_summary_writer import FakeSummaryWriter

    FakeSummaryWriter.install()
    try:
        writer = tf.summary.FileWriterCache.get("there")
        assert isinstance(writer, FakeSummaryWriter)
        writer.add_summary(tf.Summary(value=[tf.Summary.Value(tag="loss", simple_value=0.5)]), 3)
        writer.assert_summaries(case, expected_logdir="there", expected_summaries={3: {"loss": 0.5}})
        with pytest.raises(AssertionError):
            writer.assert_summaries(case, expected_summaries={3: {"loss": 0.6}})
        with pytest.raises(ValueError, match="already installed"):
            FakeSummaryWriter.install()
    finally:
        FakeSummaryWriter.uninstall()
    assert tf.summary.FileWriter is not FakeSummaryWriter


def test_latest_summaries_are_read_back(tmp_path):
    from tensorflow.contrib.testing.python.framework import util_test

    with tf.summary.FileWriter(str(tmp_path)) as writer:
        writer.add_summary(tf.Summary(value=[tf.Summary.Value(tag="loss", simple_value=0.5)]), 3)
    (event,) = util_test.latest_summaries(str(tmp_path))
    assert event.step == 3 and util_test.simple_values_from_events([event], ["loss"]) == {"loss": 0.5}
