"""tf.cond, tf.case, tf.while_loop, TensorArray, map_fn and their kin, and gradients through all of them."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf


def run(fetches, feeds=None):
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        return sess.run(fetches, feeds)


# ------------------------------------------------------------------------------------------------------- conditionals


def test_cond_gives_the_branch_taken():
    p = tf.placeholder(tf.bool, [])
    x = tf.constant(3.0)
    y = tf.cond(p, lambda: x * 2, lambda: x - 10)
    with tf.Session() as sess:
        assert sess.run(y, {p: True}) == 6
        assert sess.run(y, {p: False}) == -7


def test_cond_has_the_names_of_1_15():
    p = tf.placeholder(tf.bool, [], "p")
    x = tf.constant(3.0, name="x")
    y = tf.cond(p, lambda: tf.add(x, 1.0), lambda: x)
    assert y.name == "cond/Merge:0"
    names = {op.name: op.type for op in tf.get_default_graph().get_operations()}
    assert names == {
        "p": "Placeholder", "x": "Const", "cond/Switch": "Switch", "cond/switch_t": "Identity",
        "cond/switch_f": "Identity", "cond/pred_id": "Identity", "cond/Add/y": "Const", "cond/Add": "AddV2",
        "cond/Add/Switch": "Switch", "cond/Switch_1": "Switch", "cond/Merge": "Merge",
    }  # fmt: skip


def test_a_branch_not_taken_does_not_run():
    p = tf.placeholder(tf.bool, [])
    v = tf.Variable(1.0)
    y = tf.cond(p, lambda: tf.assign(v, 5.0), lambda: tf.identity(v))
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        assert sess.run(y, {p: False}) == 1
        assert sess.run(v) == 1
        assert sess.run(y, {p: True}) == 5
        assert sess.run(v) == 5


def test_an_operation_as_a_branch_result():
    p = tf.placeholder(tf.bool, [])
    v = tf.Variable(0.0, use_resource=True)
    done = tf.cond(p, lambda: v.assign_add(2.0).op, lambda: tf.no_op())
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        sess.run(done, {p: False})
        assert sess.run(v) == 0
        sess.run(done, {p: True})
        assert sess.run(v) == 2


def test_cond_nests_and_keeps_structures():
    p, q = tf.placeholder(tf.bool, []), tf.placeholder(tf.bool, [])
    x = tf.constant([1.0, 2.0])

    def inner():
        return {"a": tf.cond(q, lambda: x + 1, lambda: x + 2), "b": (x, x * 3)}

    y = tf.cond(p, inner, lambda: {"a": x, "b": (x * 0, x)})
    with tf.Session() as sess:
        got = sess.run(y, {p: True, q: False})
        assert isinstance(got, dict) and isinstance(got["b"], tuple)
        np.testing.assert_array_equal(got["a"], [3, 4])
        np.testing.assert_array_equal(got["b"][1], [3, 6])
        np.testing.assert_array_equal(sess.run(y, {p: False, q: False})["b"][0], [0, 0])


def test_cond_refuses_what_1_15_refuses():
    x = tf.constant(1.0)
    with pytest.raises(TypeError, match="true_fn must be callable"):
        tf.cond(x > 0, x, lambda: x)
    with pytest.raises(TypeError, match="pred must not be a Python bool"):
        tf.cond(True, lambda: x, lambda: x)
    with pytest.raises(ValueError, match="Outputs of true_fn and false_fn must have the same type"):
        tf.cond(x > 0, lambda: x, lambda: tf.constant(1))
    with pytest.raises(ValueError, match="true_fn must have a return value"):
        tf.cond(x > 0, lambda: None, lambda: x)
    with pytest.raises(ValueError, match="Incompatible return values of true_fn and false_fn"):
        tf.cond(x > 0, lambda: [x, x], lambda: x)


def test_what_lives_only_in_a_branch_is_not_fetched_behind_it():
    p = tf.placeholder(tf.bool, [])
    inside = []
    tf.cond(p, lambda: inside.append(tf.constant(1.0) * 2) or inside[0], lambda: tf.constant(0.0))
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError)):
        run(inside[0], {p: False})


def test_the_gradient_of_cond():
    p = tf.placeholder(tf.bool, [])
    x = tf.constant([1.0, 2.0])
    y = tf.cond(p, lambda: x * x, lambda: 3 * x)
    (dx,) = tf.gradients(y, x)
    with tf.Session() as sess:
        np.testing.assert_array_equal(sess.run(dx, {p: True}), [2, 4])
        np.testing.assert_array_equal(sess.run(dx, {p: False}), [3, 3])


def test_the_gradient_of_a_nested_cond_twice():
    p, q = tf.placeholder(tf.bool, []), tf.placeholder(tf.bool, [])
    x = tf.constant(2.0)
    y = tf.cond(p, lambda: tf.cond(q, lambda: x**3, lambda: x**2), lambda: 5 * x)
    (dx,) = tf.gradients(y, x)
    (ddx,) = tf.gradients(dx, x)
    with tf.Session() as sess:
        assert sess.run([dx, ddx], {p: True, q: True}) == [12, 12]
        assert sess.run([dx, ddx], {p: True, q: False}) == [4, 2]
        assert sess.run([dx, ddx], {p: False, q: False}) == [5, 0]


def test_the_gradient_of_a_gather_in_a_branch():
    p = tf.placeholder(tf.bool, [])
    w = tf.Variable([[1.0, 2.0], [3.0, 4.0]])
    y = tf.cond(p, lambda: tf.gather(w, [1, 1]), lambda: tf.zeros([2, 2]))
    (dw,) = tf.gradients(y, w)
    dense = tf.convert_to_tensor(dw)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        np.testing.assert_array_equal(sess.run(dense, {p: True}), [[0, 0], [2, 2]])
        np.testing.assert_array_equal(sess.run(dense, {p: False}), [[0, 0], [0, 0]])


def test_case_takes_the_first_that_holds():
    x = tf.placeholder(tf.int32, [])
    y = tf.case([(x < 1, lambda: tf.constant(10)), (x < 2, lambda: tf.constant(20))], default=lambda: tf.constant(-1))
    with tf.Session() as sess:
        assert [sess.run(y, {x: v}) for v in (0, 1, 2)] == [10, 20, -1]


def test_case_exclusive_fails_if_two_hold():
    x = tf.placeholder(tf.int32, [])
    y = tf.case(
        [(x < 1, lambda: tf.constant(10)), (x < 2, lambda: tf.constant(20))], lambda: tf.constant(-1), exclusive=True
    )
    with tf.Session() as sess:
        assert sess.run(y, {x: 1}) == 20
        with pytest.raises(tf.errors.InvalidArgumentError, match="exclusive=True"):
            sess.run(y, {x: 0})


# -------------------------------------------------------------------------------------------------------------- loops


def test_while_loop_counts():
    i = tf.while_loop(lambda i: i < 10, lambda i: i + 1, [tf.constant(0)])
    assert i.name == "while/Exit:0"
    assert run(i) == 10


def test_while_loop_has_the_names_of_1_15():
    tf.while_loop(lambda i: tf.less(i, 10), lambda i: tf.add(i, 1), [tf.constant(0, name="zero")])
    names = {op.name: op.type for op in tf.get_default_graph().get_operations()}
    assert names == {
        "zero": "Const", "while/Enter": "Enter", "while/Merge": "Merge", "while/Less/y": "Const", "while/Less": "Less",
        "while/LoopCond": "LoopCond", "while/Switch": "Switch", "while/Identity": "Identity", "while/Add/y": "Const",
        "while/Add": "AddV2", "while/NextIteration": "NextIteration", "while/Exit": "Exit",
    }  # fmt: skip
    enter = tf.get_default_graph().get_operation_by_name("while/Enter")
    assert enter.get_attr("frame_name") == b"while/while_context"
    assert enter.get_attr("parallel_iterations") == 10


def test_a_loop_uses_what_is_outside_and_may_not_run_at_all():
    n = tf.placeholder(tf.int32, [])
    step = tf.constant(2.5)
    i, total = tf.while_loop(lambda i, t: i < n, lambda i, t: (i + 1, t + step), (0, 1.0))
    with tf.Session() as sess:
        assert sess.run([i, total], {n: 4}) == [4, 11]
        assert sess.run([i, total], {n: 0}) == [0, 1]


def test_loops_nest():
    def outer(i, total):
        _, inner = tf.while_loop(lambda j, t: j < i, lambda j, t: (j + 1, t + j), (0, 0))
        return i + 1, total + inner

    _, total = tf.while_loop(lambda i, t: i < 6, outer, (0, 0))
    assert run(total) == sum(sum(range(i)) for i in range(6))


def test_a_cond_in_a_loop_and_a_loop_in_a_cond():
    def body(i, t):
        return i + 1, tf.cond(tf.equal(i % 2, 0), lambda: t + i, lambda: t - 1)

    p = tf.placeholder(tf.bool, [])
    total = tf.cond(p, lambda: tf.while_loop(lambda i, t: i < 7, body, (0, 100))[1], lambda: tf.constant(-5))
    with tf.Session() as sess:
        assert sess.run(total, {p: True}) == 100 + 0 + 2 + 4 + 6 - 3
        assert sess.run(total, {p: False}) == -5


def test_a_loop_changes_variables():
    v, r = tf.Variable(1.0), tf.Variable(1.0, use_resource=True)

    def body(i):
        with tf.control_dependencies([tf.assign_add(v, 2.0), r.assign(r * 2)]):
            return i + 1

    done = tf.while_loop(lambda i: i < 5, body, [tf.constant(0)])
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        assert sess.run(done) == 5
        assert sess.run([v, r]) == [11, 32]


def test_maximum_iterations_and_structures():
    state = {"x": tf.constant(1.0), "y": (tf.constant(2.0),)}
    result = tf.while_loop(
        lambda s: tf.constant(True), lambda s: {"x": s["x"] * 2, "y": (s["y"][0] + 1,)}, [state], maximum_iterations=3
    )
    got = run(result)
    assert got["x"] == 8 and got["y"] == (5,)


def test_return_same_structure():
    kept = tf.while_loop(lambda i: i < 3, lambda i: [i + 1], [tf.constant(0)], return_same_structure=True)
    assert isinstance(kept, list) and run(kept) == [3]


def test_shape_invariants():
    x = tf.ones([1, 2])
    with pytest.raises(ValueError, match="enters the loop with shape"):
        tf.while_loop(lambda x: tf.shape(x)[0] < 5, lambda x: tf.concat([x, x], 0), [x])
    y = tf.while_loop(
        lambda x: tf.shape(x)[0] < 5, lambda x: tf.concat([x, x], 0), [x],
        shape_invariants=[tf.TensorShape([None, 2])],
    )  # fmt: skip
    assert y.shape.as_list() == [None, 2]
    assert run(y).shape == (8, 2)
    with pytest.raises(ValueError, match="is not compatible with the initial shape"):
        tf.while_loop(lambda x: tf.constant(True), lambda x: x, [x], shape_invariants=[tf.TensorShape([3, 2])])


def test_while_loop_refuses_what_1_15_refuses():
    with pytest.raises(ValueError, match="No loop variables provided"):
        tf.while_loop(lambda: True, lambda: 1, [])
    with pytest.raises(TypeError, match="body must be callable"):
        tf.while_loop(lambda x: x < 1, 1, [tf.constant(1)])
    with pytest.raises(TypeError, match="parallel_iterations must be a positive integer"):
        tf.while_loop(lambda x: x < 1, lambda x: x, [tf.constant(1)], parallel_iterations=0)
    with pytest.raises(ValueError):
        tf.while_loop(lambda x, y: x < 1, lambda x, y: x, [tf.constant(1), tf.constant(2)])


def test_an_error_in_a_loop_names_its_op():
    bad = tf.while_loop(
        lambda i, x: i < 3, lambda i, x: (i + 1, tf.check_numerics(x / 0.0, "broken", name="check")), (0, 1.0)
    )
    with pytest.raises(tf.errors.InvalidArgumentError, match="while/check"):
        run(bad)


def test_sparse_tensors_go_round_a_loop():
    s = tf.SparseTensor([[0, 1]], [2.0], [2, 3])
    _, s = tf.while_loop(
        lambda i, s: i < 3, lambda i, s: (i + 1, tf.SparseTensor(s.indices, s.values * 2, s.dense_shape)), (0, s)
    )
    assert run(s).values.tolist() == [16]


# ---------------------------------------------------------------------------------------------------------- gradients


def test_the_gradient_of_a_loop():
    x = tf.constant(1.5)
    _, y = tf.while_loop(lambda i, y: i < 4, lambda i, y: (i + 1, y * x), (0, tf.constant(2.0)))
    (dx,) = tf.gradients(y, x)
    assert run(y) == pytest.approx(2 * 1.5**4)
    assert run(dx) == pytest.approx(8 * 1.5**3)


def test_the_second_and_third_derivative_of_a_loop():
    x = tf.constant(1.5)
    y = tf.while_loop(lambda i, y: i < 4, lambda i, y: (i + 1, y * x), (0, tf.constant(1.0)))[1]
    (d1,) = tf.gradients(y, x)
    (d2,) = tf.gradients(d1, x)
    (d3,) = tf.gradients(d2, x)
    assert run([d1, d2, d3]) == pytest.approx([4 * 1.5**3, 12 * 1.5**2, 24 * 1.5])


def test_the_gradient_of_loops_that_nest():
    x = tf.constant(1.2)

    def outer(i, y):
        inner = tf.while_loop(lambda j, z: j <= i, lambda j, z: (j + 1, z * x), (0, y))[1]
        return i + 1, inner + x

    y = tf.while_loop(lambda i, y: i < 3, outer, (0, tf.constant(1.0)))[1]
    (dx,) = tf.gradients(y, x)
    (ddx,) = tf.gradients(dx, x)

    def f(x):
        y = 1.0
        for i in range(3):
            y = y * x ** (i + 1) + x
        return y

    e = 1e-4
    got = run([y, dx, ddx])
    assert got[0] == pytest.approx(f(1.2), rel=1e-5)
    assert got[1] == pytest.approx((f(1.2 + e) - f(1.2 - e)) / (2 * e), rel=1e-4)
    assert got[2] == pytest.approx((f(1.2 + e) - 2 * f(1.2) + f(1.2 - e)) / e**2, rel=1e-3)


def test_the_gradient_of_a_cond_in_a_loop():
    x = tf.constant(1.5)

    def body(i, y):
        return i + 1, tf.cond(tf.equal(i % 2, 0), lambda: y * x, lambda: y + x * x)

    y = tf.while_loop(lambda i, y: i < 4, body, (0, tf.constant(2.0)))[1]
    (dx,) = tf.gradients(y, x)
    # y = ((2x + x^2) x) + x^2 = 3x^2 + x^3
    assert run([y, dx]) == pytest.approx([3 * 1.5**2 + 1.5**3, 6 * 1.5 + 3 * 1.5**2])


def test_the_gradient_of_a_loop_in_a_cond():
    p = tf.placeholder(tf.bool, [])
    x = tf.constant(1.5)
    y = tf.cond(p, lambda: tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y * x), (0, x))[1], lambda: x * 7)
    (dx,) = tf.gradients(y, x)
    with tf.Session() as sess:
        assert sess.run(dx, {p: True}) == pytest.approx(4 * 1.5**3)
        assert sess.run(dx, {p: False}) == 7


def test_the_gradient_by_a_loops_variables_and_weights():
    w = tf.Variable([[0.5, 0.1], [0.2, 0.3]])
    h0 = tf.constant([[1.0, 2.0]])
    h = tf.while_loop(lambda i, h: i < 3, lambda i, h: (i + 1, tf.tanh(tf.matmul(h, w))), (0, h0))[1]
    loss = tf.reduce_sum(h)
    h_unrolled = h0
    for _ in range(3):
        h_unrolled = tf.tanh(tf.matmul(h_unrolled, w))
    wanted = tf.gradients(tf.reduce_sum(h_unrolled), [w, h0])
    got = tf.gradients(loss, [w, h0])
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for a, b in zip(sess.run(got), sess.run(wanted)):
            np.testing.assert_allclose(a, b, rtol=1e-5)


def test_no_gradient_without_back_prop():
    x = tf.constant(1.5)
    y = tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y * x), (0, x), back_prop=False)[1]
    assert tf.gradients(y, x) == [None]


def test_the_gradient_inside_a_loop():
    x = tf.constant(3.0)

    def body(i, t):
        (d,) = tf.gradients(t * x * x, x)
        return i + 1, t + d

    t = tf.while_loop(lambda i, t: i < 2, body, (0, tf.constant(1.0)))[1]
    assert run(t) == 1 * 7 * 7


def test_training_goes_through_a_loop():
    w = tf.Variable(0.5)
    y = tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y * w), (0, tf.constant(1.0)))[1]
    loss = tf.square(y - 8.0)
    step = tf.train.GradientDescentOptimizer(0.005).minimize(loss)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for _ in range(200):
            sess.run(step)
        assert sess.run(w) == pytest.approx(2.0, abs=1e-2)


# ------------------------------------------------------------------------------------------------- arrays, map, scan


def test_tensor_array_reads_what_it_writes():
    ta = tf.TensorArray(tf.float32, 3).write(0, [1.0, 2.0]).write(2, [5.0, 6.0]).write(1, [3.0, 4.0])
    assert run(ta.read(1)).tolist() == [3, 4]
    assert run(ta.stack()).tolist() == [[1, 2], [3, 4], [5, 6]]
    assert run(ta.concat()).tolist() == [1, 2, 3, 4, 5, 6]
    assert run(ta.size()) == 3
    assert run(tf.TensorArray(tf.int32, 2, infer_shape=False).split([1, 2, 3], [1, 2]).read(1)).tolist() == [2, 3]


def test_tensor_array_refuses():
    ta = tf.TensorArray(tf.float32, 2, tensor_array_name="arr")
    with pytest.raises(tf.errors.InvalidArgumentError, match="Tried to write to index 2 but array is not resizeable"):
        run(ta.write(2, 1.0).flow)
    with pytest.raises(tf.errors.InvalidArgumentError, match="already been written to"):
        run(ta.write(0, 1.0).write(0, 2.0).flow)
    with pytest.raises(ValueError, match="Inconsistent shapes"):
        ta.write(0, 1.0).write(1, [2.0])
    with pytest.raises(ValueError, match="Size must be provided"):
        tf.TensorArray(tf.float32)


def test_the_gradient_of_tensor_arrays():
    x = tf.constant([1.0, 2.0, 3.0])
    ta = tf.TensorArray(tf.float32, 3, clear_after_read=False).unstack(x)
    y = ta.read(0) * ta.read(1) + ta.read(1) * ta.read(2)
    assert run(tf.gradients(y, x)[0]).tolist() == [2, 4, 2]


def test_map_fn():
    x = tf.constant([[1.0, 2.0], [3.0, 4.0]])
    y = tf.map_fn(lambda row: row * 2, x)
    assert y.shape.as_list() == [2, 2]
    assert run(y).tolist() == [[2, 4], [6, 8]]
    a, b = tf.map_fn(lambda p: (p[0] + p[1], tf.cast(p[0], tf.int32)), (x, x), dtype=(tf.float32, tf.int32))
    assert run(b).tolist() == [[1, 2], [3, 4]]
    assert run(tf.gradients(tf.map_fn(lambda row: row * row, x), x)[0]).tolist() == [[2, 4], [6, 8]]


def test_scan_and_its_gradient():
    x = tf.constant([1.0, 2.0, 3.0])
    y = tf.scan(lambda a, v: a * v, x, initializer=tf.constant(2.0))
    assert run(y).tolist() == [2, 4, 12]
    assert run(tf.gradients(y, x)[0]).tolist() == [2 + 4 + 12, 2 + 6, 4]
    assert run(tf.scan(lambda a, v: a + v, x, reverse=True)).tolist() == [6, 5, 3]


def test_folds():
    x = tf.constant([1.0, 2.0, 3.0])
    assert run(tf.foldl(lambda a, v: a - v, x)) == -4
    assert run(tf.foldr(lambda a, v: a - v, x)) == 0
    assert run(tf.foldl(lambda a, v: a + v, x, initializer=10.0)) == 16


def test_arrays_go_round_loops():
    ta = tf.TensorArray(tf.float32, size=0, dynamic_size=True)
    _, ta = tf.while_loop(lambda i, ta: i < 4, lambda i, ta: (i + 1, ta.write(i, tf.cast(i * i, tf.float32))), (0, ta))
    assert run(ta.stack()).tolist() == [0, 1, 4, 9]
