"""tf.test.TestCase: unittest's, with sessions and with assertions about tensors, shapes and messages."""

from __future__ import annotations

import contextlib
import os
import random
import re
import tempfile
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np

from headrace import dtypes, errors, framework, session
from headrace.default_session import Default, get_default_session
from headrace.testing import googletest, values
from headrace.testing.array_assertions import ArrayAssertions

_SEED = 87654321  # the graph's seed in every test


class CapturedWrites:
    """What was written to a stream inside `captureWritesToStream`."""

    def __init__(self, path: str) -> None:
        self._path = path

    def contents(self) -> str:
        with open(self._path, encoding="utf-8", errors="replace") as file:
            return file.read()


class CheckedThread(threading.Thread):
    """A thread whose exception fails the test that joins it."""

    def __init__(self, test: Any, target: Any, args: Any = None, kwargs: Any = None) -> None:
        super().__init__(daemon=True)
        self._test, self._job = test, (target, args or (), kwargs or {})
        self._exception: BaseException | None = None
        self._joined = False

    def run(self) -> None:
        target, args, kwargs = self._job
        try:
            target(*args, **kwargs)
        except BaseException as error:  # noqa: BLE001
            self._exception = error

    def start(self) -> None:
        super().start()

    def join(self, timeout: float | None = None) -> None:
        """Waits for the thread; fails the test with what the thread raised."""
        super().join(timeout)
        self._joined = True
        if self._exception is not None:
            self._test.fail(f"Error in checkedThread: {self._exception}")

    def check_termination(self) -> None:
        self._joined = True
        if self.is_alive():
            self._test.fail("A checked thread still runs at the end of the test.")
        if self._exception is not None:
            self._test.fail(f"Error in checkedThread: {self._exception}")


class TensorFlowTestCase(ArrayAssertions, googletest.TestCase):
    """A test case with a fresh default graph and fixed seeds for each test.

    >>> import tensorflow as tf
    >>> class SquareTest(tf.test.TestCase):
    ...     def runTest(self):
    ...         with self.session():
    ...             self.assertAllEqual(tf.square([1, 2, 3]), [1, 4, 9])
    >>> SquareTest().debug()
    """

    def __init__(self, methodName: str = "runTest") -> None:  # noqa: N803
        super().__init__(methodName)
        self._threads: list[CheckedThread] = []
        self._tempdir: str | None = None
        self._cached: session.Session | None = None
        self._cached_options: tuple[Any, ...] = ()

    def setUp(self) -> None:  # noqa: N802
        super().setUp()
        self._forget_session()
        random.seed(_SEED)
        np.random.seed(_SEED)
        with contextlib.suppress(AssertionError):  # inside `with graph.as_default()`, that graph stays
            framework.reset_default_graph()
        framework.set_random_seed(_SEED)
        if self.id().endswith(".test_session"):  # its name makes it look like a test
            self.skipTest("Not a test.")

    def tearDown(self) -> None:  # noqa: N802
        for thread in self._threads:
            thread.check_termination()
        self._threads.clear()
        self._forget_session()
        super().tearDown()

    def _forget_session(self) -> None:
        if self._cached is not None:
            self._cached.close()
            self._cached = None

    # ---------------------------------------------------------------------------------------------------- sessions

    def evaluate(self, tensors: Any) -> Any:
        """The NumPy values of tensors, in the structure they have; numbers and arrays stay what they are."""
        if framework.executing_eagerly():
            from headrace import structure

            return structure.map_structure(_eager_value, tensors)
        current = get_default_session()
        if current is not None:
            return current.run(tensors)
        with self.test_session() as current:
            return current.run(tensors)

    @contextlib.contextmanager
    def session(
        self, graph: Any = None, config: Any = None, use_gpu: bool = False, force_gpu: bool = False
    ) -> Iterator[Any]:
        """A new session for a block, as the default one; `use_gpu` runs on a GPU where there is one."""
        if framework.executing_eagerly():
            yield _EagerSession(self)
            return
        with session.Session(graph=graph, config=config) as made, _devices(made.graph, use_gpu, force_gpu):
            yield made

    @contextlib.contextmanager
    def cached_session(
        self, graph: Any = None, config: Any = None, use_gpu: bool = False, force_gpu: bool = False
    ) -> Iterator[Any]:
        """The test's one session, kept from block to block. Raises ValueError where its options change."""
        if framework.executing_eagerly():
            yield _EagerSession(self)
            return
        options = (graph, config, force_gpu)
        if self._cached is None:
            self._cached, self._cached_options = session.Session(graph=graph, config=config), options
        elif any(mine is not theirs for mine, theirs in zip(self._cached_options, options)):
            raise ValueError(
                "The cached session was made with another graph, config or force_gpu than this call gives."
            )
        made = self._cached
        with made.graph.as_default(), Default(made), _devices(made.graph, use_gpu, force_gpu):
            yield made

    def test_session(
        self, graph: Any = None, config: Any = None, use_gpu: bool = False, force_gpu: bool = False
    ) -> Any:
        """`cached_session` where no graph is given, else `session`."""
        make = self.cached_session if graph is None else self.session
        return make(graph, config, use_gpu, force_gpu)

    test_session.__test__ = False  # type: ignore[attr-defined]

    # -------------------------------------------------------------------------------------- files, streams, threads

    def get_temp_dir(self) -> str:
        """A directory of this test's own, made when first asked for."""
        if self._tempdir is None:
            self._tempdir = tempfile.mkdtemp(dir=googletest.GetTempDir())
        return self._tempdir

    @contextlib.contextmanager
    def captureWritesToStream(self, stream: Any) -> Iterator[CapturedWrites]:  # noqa: N802
        """Collects what the process writes to sys.stdout or sys.stderr in the block, C++ included."""
        number = stream.fileno()
        stream.flush()
        kept = os.dup(number)
        place, path = tempfile.mkstemp(dir=self.get_temp_dir())
        os.dup2(place, number)
        try:
            yield CapturedWrites(path)
            stream.flush()
        finally:
            stream.flush()
            os.dup2(kept, number)
            os.close(place)
            os.close(kept)

    def checkedThread(self, target: Any, args: Any = None, kwargs: Any = None) -> CheckedThread:  # noqa: N802
        """A thread (not yet started) whose exceptions fail this test."""
        thread = CheckedThread(self, target, args, kwargs)
        self._threads.append(thread)
        return thread

    # ------------------------------------------------------------------------------------------------------- errors

    @contextlib.contextmanager
    def assertRaisesWithPredicateMatch(self, exception_type: Any, expected: Any) -> Iterator[None]:  # noqa: N802
        """The block raises the exception, and its message matches a pattern or satisfies a function."""
        try:
            yield
        except exception_type as error:
            if callable(expected):
                matches, message = expected(error), str(error)
            else:
                message = error.message if isinstance(error, errors.OpError) else str(error)
                op = getattr(error, "op", None)
                while isinstance(error, errors.OpError) and op is not None:
                    message += f"\nCaused by op: {op.name}"
                    op = getattr(op, "_original_op", None)
                matches = re.search(expected, message)
            if not matches:
                raise AssertionError(
                    f"Exception of type {type(error).__name__} does not match {expected!r}: {message}"
                ) from error
        else:
            self.fail(f"{getattr(exception_type, '__name__', exception_type)} not raised")

    def assertRaisesOpError(self, expected_err_re_or_predicate: Any) -> Any:  # noqa: N802
        return self.assertRaisesWithPredicateMatch(errors.OpError, expected_err_re_or_predicate)

    # ------------------------------------------------------------------------------------- shapes, devices, messages

    def assertShapeEqual(self, np_array: Any, tf_tensor: Any, msg: str | None = None) -> None:  # noqa: N802
        """A NumPy array has the shape that is known of a tensor."""
        if not isinstance(np_array, (np.ndarray, np.generic)):
            raise TypeError("np_array must be a Numpy ndarray or Numpy scalar")
        if not framework.is_tensor(tf_tensor):
            raise TypeError("tf_tensor must be a Tensor")
        self.assertAllEqual(np_array.shape, tf_tensor.get_shape().as_list(), msg=msg)

    def assertDeviceEqual(self, device1: Any, device2: Any, msg: str | None = None) -> None:  # noqa: N802
        """Two device names mean the same, however they are written."""
        from headrace import devices

        first, second = devices.canonical_name(device1), devices.canonical_name(device2)
        self.assertEqual(first, second, f"Devices {first} and {second} are not equal. {msg or ''}")

    def assertDTypeEqual(self, target: Any, expected_dtype: Any) -> None:  # noqa: N802
        array = values.as_array(self, target)
        if not isinstance(target, list):
            got, expected = dtypes.as_dtype(array.dtype), dtypes.as_dtype(expected_dtype)
            self.assertEqual(got, expected, f"dtype is {got.name}, expected {expected.name}")
            return
        for item in target:
            self.assertDTypeEqual(item, expected_dtype)

    def assertStartsWith(self, actual: str, expected_start: str, msg: str | None = None) -> None:  # noqa: N802
        if not actual.startswith(expected_start):
            self.fail(f"{actual!r} does not start with {expected_start!r}" + (f" : {msg}" if msg else ""))

    def assertProtoEquals(self, expected_message_maybe_ascii: Any, message: Any, msg: str | None = None) -> None:  # noqa: N802
        """Two messages are equal; the expected one may be given in protobuf's text format."""
        from google.protobuf import text_format

        expected = expected_message_maybe_ascii
        if isinstance(expected, str):
            expected = text_format.Parse(expected, type(message)())
        if type(expected) is not type(message):
            self.fail(f"Can't compare a {type(expected).__name__} with a {type(message).__name__}")
        if expected != message:
            self.assertMultiLineEqual(
                text_format.MessageToString(expected, use_index_order=True),
                text_format.MessageToString(message, use_index_order=True), msg,
            )  # fmt: skip

    def assertProtoEqualsVersion(  # noqa: N802
        self, expected: str, actual: Any, producer: int | None = None, min_consumer: int | None = None,
        msg: str | None = None,
    ) -> None:  # fmt: skip
        """`assertProtoEquals` for a GraphDef, to whose text the versions of this release are added."""
        from headrace import compat

        producer = compat.GRAPH_DEF_VERSION if producer is None else producer
        min_consumer = compat.GRAPH_DEF_VERSION_MIN_CONSUMER if min_consumer is None else min_consumer
        consumer = f" min_consumer: {min_consumer}" if min_consumer else ""
        self.assertProtoEquals(f"versions {{ producer: {producer}{consumer} }}\n{expected}", actual, msg)


def _eager_value(tensor: Any) -> Any:
    if isinstance(tensor, framework.SparseTensor):
        return framework.SparseTensorValue(*(t.numpy() for t in (tensor.indices, tensor.values, tensor.dense_shape)))
    return tensor.numpy() if hasattr(tensor, "numpy") else tensor


class _EagerSession:
    """What a test gets for a session when ops run at once: `run` gives the values of tensors that already have one."""

    def __init__(self, test: TensorFlowTestCase) -> None:
        self._test = test

    def run(self, fetches: Any, *args: Any, **kwargs: Any) -> Any:
        """The values of `fetches`; raises RuntimeError where values are fed, since there is no graph to feed."""
        if args or kwargs.get("feed_dict"):
            raise RuntimeError("run(fetches, feed_dict) needs a graph; ops run at once here, so nothing can be fed")
        return self._test.evaluate(fetches)


@contextlib.contextmanager
def _devices(graph: Any, use_gpu: bool, force_gpu: bool) -> Iterator[None]:
    """Asks for the device that a test's session names."""
    if force_gpu:
        from headrace.testing import test_util

        name = test_util.gpu_device_name() or "/device:GPU:0"
        with graph.device(name):
            yield
    elif use_gpu:
        yield
    else:
        with graph.device("/device:CPU:0"):
            yield
