"""Sessions: structures of fetches, feeds, errors mapped to tf.errors, values and their types."""

import collections
import threading

import numpy as np
import pytest
import tensorflow as tf

Pair = collections.namedtuple("Pair", ["a", "b"])


@pytest.fixture
def session():
    with tf.Session() as session:
        yield session


def test_fetches_keep_their_structure(session):
    a, b = tf.constant(1.0, name="a"), tf.constant([2, 3])
    assert session.run([a, (b, a)])[1][1] == 1.0
    result = session.run({"x": a, "y": [b, {"z": a.op}]})
    assert result["x"] == 1.0 and result["y"][0].tolist() == [2, 3] and result["y"][1] == {"z": None}
    assert isinstance(session.run(Pair(a, b)), Pair)
    assert isinstance(session.run(collections.OrderedDict(k=a)), collections.OrderedDict)
    assert session.run("a:0") == 1.0
    assert session.run(a.op) is None
    assert session.run([]) == []


def test_values_have_numpy_types(session):
    assert type(session.run(tf.constant(1.0))) is np.float32
    assert type(session.run(tf.constant(1, tf.int64))) is np.int64
    assert session.run(tf.constant("ab")) == b"ab"
    assert session.run(tf.constant(["a", "b"])).tolist() == [b"a", b"b"]
    assert session.run(tf.constant(np.ones((2, 3), np.float64))).dtype == np.float64


def test_results_belong_to_the_caller(session):
    big = tf.constant(np.zeros(5000, np.float32))
    first = session.run(big)
    first[:] = 1
    assert session.run(big).max() == 0


def test_sparse_tensors_are_fed_and_fetched(session):
    sparse = tf.sparse_placeholder(tf.float32, [2, 2])
    result = session.run(sparse, {sparse: tf.SparseTensorValue([[0, 1]], [5.0], [2, 2])})
    assert isinstance(result, tf.SparseTensorValue)
    assert result.indices.tolist() == [[0, 1]] and result.values.tolist() == [5.0]


def test_feeds_are_cast_and_checked(session):
    x = tf.placeholder(tf.float32, [2], name="x")
    y = x + 1
    assert session.run(y, {x: [1, 2]}).tolist() == [2, 3]
    assert session.run(y, {"x:0": np.array([1, 2], np.int64)}).tolist() == [2, 3]
    assert session.run(y, {y: [9, 9]}).tolist() == [9, 9]
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError), match=r"shape \(3,\)"):
        session.run(y, {x: [1, 2, 3]})
    with pytest.raises(tf.errors.InvalidArgumentError, match="x"):
        session.run(y)
    with pytest.raises(TypeError, match="feed cannot be a tf.Tensor"):
        session.run(y, {x: y})
    with pytest.raises(TypeError, match="Cannot interpret feed_dict key"):
        session.run(y, {"nothing:0": 1})


def test_wrong_fetches_are_explained(session):
    with pytest.raises(TypeError, match="None"):
        session.run(None)
    with pytest.raises(ValueError, match="cannot be interpreted as a Tensor"):
        session.run("nothing:0")
    with pytest.raises(TypeError, match="invalid type"):
        session.run(object())


def test_errors_are_of_their_class_and_name_the_op(session):
    x = tf.placeholder(tf.int32, [None])
    y = tf.gather(tf.constant([1, 2, 3]), x, name="lookup")
    with pytest.raises(tf.errors.InvalidArgumentError, match="lookup") as error:
        session.run(y, {x: [7]})
    assert error.value.error_code == tf.errors.INVALID_ARGUMENT
    assert isinstance(error.value, tf.errors.OpError)


def test_uninitialized_variables_are_a_failed_precondition(session):
    v = tf.get_variable("v", [2])
    with pytest.raises(tf.errors.FailedPreconditionError, match="uninitialized value v"):
        session.run(v)
    assert session.run(tf.report_uninitialized_variables()).tolist() == [b"v"]
    session.run(tf.global_variables_initializer())
    assert session.run(tf.report_uninitialized_variables()).tolist() == []


def test_a_closed_session_refuses_to_run():
    session = tf.Session()
    a = tf.constant(1.0)
    session.close()
    with pytest.raises((RuntimeError, tf.errors.OpError), match="closed"):
        session.run(a)


def test_default_sessions(session):
    a = tf.constant(2.0)
    assert tf.get_default_session() is session
    assert a.eval() == 2.0
    v = tf.Variable(3.0)
    v.initializer.run()
    assert v.eval() == 3.0


def test_eval_without_a_session_is_explained():
    with pytest.raises(ValueError, match="No default session"):
        tf.constant(1.0).eval()


def test_many_threads_share_a_session(session):
    x = tf.placeholder(tf.float32, [None])
    y = tf.reduce_sum(x)
    wrong = []

    def work(i):
        for _ in range(200):
            if session.run(y, {x: [i, 1]}) != i + 1:
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_the_graph_may_grow_while_a_thread_runs(session):
    x = tf.placeholder(tf.float32, [])
    y = x * x
    done = threading.Event()
    wrong = []

    def work():
        while not done.is_set():
            if session.run([y, x], {x: 3.0}) != [9.0, 3.0]:
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    total = y
    try:
        for _ in range(300):
            total = total + y
            session.run(total, {x: 1.0})
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert wrong == []
    assert session.run(total, {x: 1.0}) == 301.0


def test_callables(session):
    x = tf.placeholder(tf.float32, [])
    double = session.make_callable(x * 2, [x])
    assert double(4.0) == 8.0


def test_partial_runs_compute_each_fetch_once():
    a, b, c = (tf.placeholder(tf.float32, []) for _ in range(3))
    total, product = a + b, (a + b) * c
    noise = tf.random_uniform([]) + total
    with tf.Session() as session:
        handle = session.partial_run_setup([total, noise, product], [a, b, c])
        first, drawn = session.partial_run(handle, [total, noise], {a: 1, b: 2})
        assert first == 3.0 and drawn >= 3.0
        assert session.partial_run(handle, product, {c: 2}) == 6.0
        with pytest.raises(tf.errors.InvalidArgumentError, match="has already been fetched.$"):
            session.partial_run(handle, product)
        handle = session.partial_run_setup([total], [a])
        with pytest.raises(tf.errors.InvalidArgumentError, match="was not specified in partial_run_setup.$"):
            session.partial_run(handle, total, {b: 2})


def test_sessions_check_their_arguments():
    with pytest.raises(TypeError, match="config must be a tf.ConfigProto"):
        tf.Session(config="fast")
    with pytest.raises(TypeError, match="graph must be a tf.Graph"):
        tf.Session(graph="mine")
    with pytest.raises(TypeError, match='Did you do "Session'):
        tf.Session(tf.ConfigProto())
    with pytest.raises(RuntimeError, match="The Session graph is empty"), tf.Session(graph=tf.Graph()) as session:
        session.run([])
    session = tf.Session(config=tf.ConfigProto(device_count={"CPU": 2}))
    assert [d.name[-5:] for d in session.list_devices()] == ["CPU:0", "CPU:1"]
    x = tf.constant(1.0)
    with pytest.raises(TypeError, match="options must be a tf.RunOptions"):
        session.run(x, options=1)
    session.close()
    with pytest.raises(RuntimeError, match="Attempted to use a closed Session"):
        session.run(x)


def test_sessions_nest_as_they_were_entered():
    outer, inner = tf.Session(), tf.Session()
    with pytest.raises(RuntimeError, match="not re-entrant"), outer, outer:
        pass
    first, second = outer.as_default(), inner.as_default()
    first.__enter__()
    second.__enter__()
    with pytest.raises(AssertionError, match="Nesting violated"):
        first.__exit__(None, None, None)
    second.__exit__(None, None, None)
    first.__exit__(None, None, None)
    assert tf.get_default_session() is None


def test_feeds_and_fetches_may_be_nested_and_of_registered_classes():
    from tensorflow.python.client import session as session_lib

    class Pair:
        def __init__(self, a, b):
            self.a, self.b = a, b

    session_lib.register_session_run_conversion_functions(
        Pair, lambda p: ([p.a, p.b], lambda values: Pair(*values)), lambda p, v: [(p.a, v.a), (p.b, v.b)]
    )
    pair = Pair(tf.placeholder(tf.float32), tf.placeholder(tf.float32))
    with tf.Session() as session:
        assert session.run(pair.a + pair.b, {(pair.a, pair.b): (1.0, 2.0)}) == 3.0
        got = session.run(pair, {pair: Pair(3.0, 4.0)})
    assert (got.a, got.b) == (3.0, 4.0)


def test_a_feed_of_another_shape_is_a_value_error():
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    with tf.Session() as session:
        with pytest.raises(
            ValueError, match=r"Cannot feed value of shape \(3,\) for Tensor 'x:0', which has shape '\(\?, 2\)'"
        ):
            session.run(x, {x: [1.0, 2.0, 3.0]})
