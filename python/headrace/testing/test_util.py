"""tensorflow.python.framework.test_util: decorators for the modes a test runs in, and what tests ask of a graph."""

from __future__ import annotations

import functools
import gc
import inspect
import itertools
import unittest
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from headrace import framework
from headrace.testing import modes
from headrace.testing.graph_assertions import (  # noqa: F401
    assert_equal_graph_def_v1,
    assert_equal_graph_def_v2,
    assert_meta_graph_protos_equal,
    assert_ops_in_graph,
    get_node_def_from_graph,
    set_producer_version,
)
from headrace.testing.layouts import (  # noqa: F401
    NCHW_VECT_CToNHWC,
    NCHWToNHWC,
    NHWCToNCHW,
    NHWCToNCHW_VECT_C,
)
from headrace.testing.test_case import CapturedWrites, TensorFlowTestCase  # noqa: F401

assert_equal_graph_def = assert_equal_graph_def_v1

# ------------------------------------------------------------------------------------------------- decorators of tests


def _decorator(wrap: Callable[[Callable], Callable], classes: bool = False) -> Callable:
    """A decorator of test methods, used with or without parentheses; with `classes` also of whole test cases."""

    def apply(target: Any) -> Any:
        if inspect.isclass(target):
            if not classes:
                raise ValueError(f"{wrap.__name__.strip('_')} only supports test methods.")
            return for_all_test_methods(apply)(target)
        return functools.wraps(target)(wrap(target))

    def decorate(func: Any = None) -> Any:
        return apply if func is None else apply(func)

    return decorate


def _in_graph_mode(f: Callable) -> Callable:
    def decorated(self: Any, *args: Any, **kwargs: Any) -> Any:
        with modes.graph_mode():
            return f(self, *args, **kwargs)

    return decorated


deprecated_graph_mode_only = run_deprecated_v1 = _decorator(_in_graph_mode, classes=True)


def run_v1_only(reason: str, func: Any = None) -> Any:
    """The test runs: this is 1.x. Raises ValueError unless a reason is given."""
    if not isinstance(reason, str):
        raise ValueError(f"'reason' should be string, got {type(reason)}")
    return (lambda f: f) if func is None else func


def build_as_function_and_v1_graph(func: Any = None) -> Any:
    """Two tests out of one: its body builds a graph of 1.x, and is traced into a tf.function that is called eagerly."""
    if func is None:
        return build_as_function_and_v1_graph
    from absl.testing import parameterized

    @parameterized.named_parameters(("_v1_graph", "v1_graph"), ("_function", "function"))
    @functools.wraps(func)
    def decorated(self: Any, run_mode: str, *args: Any, **kwargs: Any) -> None:
        from headrace.framework import Graph

        if run_mode == "v1_graph":
            with Graph().as_default():
                func(self, *args, **kwargs)
            return
        from headrace import function

        with Graph().as_default(), modes.eager_mode():
            function.function(lambda: func(self, *args, **kwargs) and None)()

    return decorated


def _skipped(reason: str, needed: Callable[[], bool]) -> Callable:
    def run_only(f: Callable) -> Callable:
        def decorated(self: Any, *args: Any, **kwargs: Any) -> Any:
            if not needed():
                self.skipTest(reason)
            return f(self, *args, **kwargs)

        return decorated

    return _decorator(run_only)


run_v2_only = _skipped("Test is only compatible with v2", lambda: False)
run_gpu_only = _skipped("Test requires GPU", lambda: is_gpu_available())
run_cuda_only = _skipped("Test requires CUDA GPU", lambda: is_gpu_available(cuda_only=True))


def run_in_graph_and_eager_modes(
    func: Any = None, config: Any = None, use_gpu: bool = True, reset_test: bool = True,
    assert_no_eager_garbage: bool = False,
) -> Any:  # fmt: skip
    """The test runs twice: in a graph with a session, then eagerly (once, while there is no eager mode).

    Args:
      reset_test: whether tearDown and setUp are called in between.
      assert_no_eager_garbage: whether the eager run may leave no tensors behind.
    """

    def run_both(f: Callable) -> Callable:
        def decorated(self: Any, *args: Any, **kwargs: Any) -> None:
            skipped = None
            with modes.graph_mode():
                try:
                    with self.test_session(use_gpu=use_gpu, config=config):
                        f(self, *args, **kwargs)
                except unittest.SkipTest as skip:
                    skipped = skip
            eager = modes.eager_mode()
            if eager is None:
                if skipped is not None:
                    raise skipped
                return
            if reset_test:
                self.tearDown()
                self._tempdir = None
            run = assert_no_new_tensors(f) if assert_no_eager_garbage else f
            with framework.Graph().as_default(), eager:
                if reset_test:
                    self.setUp()
                run(self, *args, **kwargs)

        return decorated

    return _decorator(run_both)(func)


def run_all_in_graph_and_eager_modes(cls: type) -> type:
    """Each test of a class runs in both modes, apart from those named testSkipEager…"""
    for name in dir(cls):
        if (
            not name.startswith("test")
            or name.startswith(("testSkipEager", "test_skip_eager"))
            or name == "test_session"
        ):
            continue
        value = getattr(cls, name, None)
        if callable(value):
            setattr(cls, name, run_in_graph_and_eager_modes(value))
    return cls


def for_all_test_methods(decorator: Callable, *args: Any, **kwargs: Any) -> Callable:
    """A class decorator that applies a decorator (made by decorator(*args), if there are any) to each test method."""

    def decorate(cls: type) -> type:
        wrap = decorator(*args, **kwargs) if args or kwargs else decorator
        for name, value in dict(vars(cls)).items():
            if callable(value) and name.startswith("test") and name != "test_session":
                setattr(cls, name, wrap(value))
        return cls

    return decorate


def skip_if(condition: Any) -> Callable:
    """The function is left out where the condition (a value, or a function that gives it) holds."""

    def decorate(f: Callable) -> Callable:
        @functools.wraps(f)
        def decorated(*args: Any, **kwargs: Any) -> Any:
            return None if (condition() if callable(condition) else condition) else f(*args, **kwargs)

        return decorated

    return decorate


def _as_it_is(reason: str) -> Callable:
    """A decorator that asks for something which is the case anyway."""
    return lambda target: target


disable_xla = no_xla_auto_jit = xla_allow_fallback = enable_tf_xla_constant_folding = _as_it_is
run_without_tensor_float_32 = run_all_without_tensor_float_32 = _as_it_is


def disable_cudnn_autotune(func: Any) -> Any:
    return func


def enable_c_shapes(fn: Any) -> Any:
    return fn


with_c_shapes = enable_c_shapes


def enable_control_flow_v2(fn: Callable) -> Callable:
    """The function runs with tf.cond and tf.while_loop making functional ops."""

    @functools.wraps(fn)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        from headrace import compat

        before = compat.control_flow_v2_enabled()
        compat.enable_control_flow_v2()
        try:
            return fn(*args, **kwargs)
        finally:
            if not before:
                compat.disable_control_flow_v2()

    return decorated


def with_control_flow_v2(cls: type) -> type:
    """Adds a second form to each test, called …WithControlFlowV2, unless disable_control_flow_v2 stands at it."""
    for name, value in dict(vars(cls)).items():
        if callable(value) and name.startswith("test") and not getattr(value, "_disable_control_flow_v2", False):
            setattr(cls, name + "WithControlFlowV2", enable_control_flow_v2(value))
    return cls


def enable_output_all_intermediates(fn: Callable) -> Callable:
    """The function as it is: functional conditionals and loops give what their gradients need anyway."""
    return fn


def disable_control_flow_v2(unused_msg: str) -> Callable:
    def mark(func: Callable) -> Callable:
        func._disable_control_flow_v2 = True  # type: ignore[attr-defined]
        return func

    return mark


# ------------------------------------------------------------------------------------------------------------ leftovers


def assert_no_new_pyobjects_executing_eagerly(f: Callable) -> Callable:
    """The test runs eagerly again and again, and then no more Python objects live than before."""

    @functools.wraps(f)
    def decorated(self: Any, *args: Any, **kwargs: Any) -> None:
        eager = modes.eager_mode()
        if eager is None:
            self.skipTest("Headrace has no eager mode yet")
        with eager:
            for _ in range(3):
                f(self, *args, **kwargs)
            gc.collect()
            before = len(gc.get_objects())
            for _ in range(10):
                f(self, *args, **kwargs)
            gc.collect()
            self.assertLess(len(gc.get_objects()) - before, 10, "Python objects are left behind by each run")

    return decorated


def assert_no_new_tensors(f: Callable) -> Callable:
    """No tensor that the test made lives after it."""

    @functools.wraps(f)
    def decorated(self: Any, *args: Any, **kwargs: Any) -> Any:
        def alive() -> list[Any]:
            gc.collect()
            return [o for o in gc.get_objects() if isinstance(o, (framework.Tensor, framework._core.Variable))]

        before = {id(o) for o in alive()}
        with framework.Graph().as_default():
            result = f(self, *args, **kwargs)
        left = [o for o in alive() if id(o) not in before]
        self.assertEqual(left, [], f"{len(left)} Tensors not deallocated after test")
        return result

    return decorated


def assert_no_garbage_created(f: Callable) -> Callable:
    """The test makes no cycle of references that only the garbage collector could free."""

    @functools.wraps(f)
    def decorated(self: Any, *args: Any, **kwargs: Any) -> Any:
        gc.disable()
        flags = gc.get_debug()
        try:
            gc.set_debug(0)
            gc.collect()
            gc.set_debug(gc.DEBUG_SAVEALL)
            before = len(gc.garbage)
            result = f(self, *args, **kwargs)
            gc.collect()
            self.assertEqual(len(gc.garbage), before, f"Garbage: {gc.garbage[before:][:5]}")
            del gc.garbage[before:]
        finally:
            gc.set_debug(flags)
            gc.enable()
        return result

    return decorated


# --------------------------------------------------------------------------------------------------------- combinations


def generate_combinations_with_testcase_name(**kwargs: Any) -> list[OrderedDict]:
    """Every combination of the options' values (a list each), with a "testcase_name", for named_parameters."""
    options = [(k, v if isinstance(v, list) else [v]) for k, v in sorted(kwargs.items(), key=lambda item: item[0])]
    named = []
    for chosen in itertools.product(*[v for _, v in options]):
        combination = OrderedDict(zip([k for k, _ in options], chosen))
        name = "".join(f"_{_letters(k)}_{_letters(str(v))}" for k, v in combination.items())
        named.append(OrderedDict([*combination.items(), ("testcase_name", f"_test{name}")]))
    return named


def _letters(text: str) -> str:
    return "".join(c for c in text if c.isalnum())


# -------------------------------------------------------------------------------------------------------------- devices


def is_gpu_available(cuda_only: bool = False, min_cuda_compute_capability: Any = None) -> bool:
    """Whether there is a GPU that this version can use."""
    return gpu_device_name() != ""


def gpu_device_name() -> str:
    """The name of the first GPU, "" where there is none."""
    from headrace import devices

    return next((d.name for d in devices.list_local_devices() if d.device_type == "GPU"), "")


def device(use_gpu: bool) -> Any:
    """A block on a GPU if one is wanted and there, else on the CPU."""
    return framework.device(gpu_device_name() if use_gpu and is_gpu_available() else "/device:CPU:0")


def use_gpu() -> Any:
    return device(use_gpu=True)


def force_gpu() -> Any:
    return framework.device("/device:GPU:0")


def force_cpu() -> Any:
    return framework.device("/device:CPU:0")


def IsGoogleCudaEnabled() -> bool:  # noqa: N802
    return False


def IsBuiltWithROCm() -> bool:  # noqa: N802
    return False


def IsMklEnabled() -> bool:  # noqa: N802
    return False


def GpuSupportsHalfMatMulAndConv() -> bool:  # noqa: N802
    return False


def is_xla_enabled() -> bool:
    return False


def InstallStackTraceHandler() -> None:  # noqa: N802
    """A crash prints Python's stack."""
    import faulthandler

    faulthandler.enable()
