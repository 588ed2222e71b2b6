"""tf.test.Benchmark: methods named benchmark… that report how long something takes."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from typing import Any

import numpy as np

GLOBAL_BENCHMARK_REGISTRY: set[type] = set()
TEST_REPORTER_TEST_ENV = "TEST_REPORT_FILE_PREFIX"
_OPTION = "--benchmarks"


class Benchmark:
    """Classes derived from it are found by `tf.test.main --benchmarks=PATTERN`."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        GLOBAL_BENCHMARK_REGISTRY.add(cls)

    @classmethod
    def is_abstract(cls) -> bool:
        """Whether there is nothing to run in it: the base classes, and classes without a benchmark… method."""
        return cls.__name__ in ("Benchmark", "TensorFlowBenchmark") or not _methods(cls)

    def _get_name(self, overwrite_name: str | None = None) -> str:
        frame = sys._getframe(1)
        while overwrite_name is None and frame is not None:
            if frame.f_code.co_name.startswith("benchmark") and frame.f_locals.get("self") is self:
                overwrite_name = frame.f_code.co_name
            frame = frame.f_back
        if overwrite_name is None:
            raise ValueError("Unable to determine calling Benchmark function.")
        return f"{type(self).__name__}.{overwrite_name}"

    def report_benchmark(
        self, iters: int | None = None, cpu_time: float | None = None, wall_time: float | None = None,
        throughput: float | None = None, extras: dict[str, Any] | None = None, name: str | None = None,
        metrics: list[dict[str, Any]] | None = None,
    ) -> None:  # fmt: skip
        """Prints an entry, and writes it to a file where $TEST_REPORT_FILE_PREFIX names one; times are seconds."""
        for key, value in (extras or {}).items():
            if not isinstance(value, (str, int, float)):
                raise TypeError(f"extras[{key!r}] must be a number or a string, not {value!r}")
        report = {
            "name": self._get_name(name), "iters": iters, "cpu_time": cpu_time, "wall_time": wall_time,
            "throughput": throughput, "extras": extras, "metrics": metrics,
        }  # fmt: skip
        report = {key: value for key, value in report.items() if value is not None}
        print("entry " + json.dumps(report))
        prefix = os.environ.get(TEST_REPORTER_TEST_ENV)
        if prefix:
            with open(prefix + report["name"].replace("/", "__"), "w") as file:
                json.dump(report, file)


class TensorFlowBenchmark(Benchmark):
    """A benchmark of an operation in a session."""

    def run_op_benchmark(
        self, sess: Any, op_or_tensor: Any, feed_dict: Any = None, burn_iters: int = 2, min_iters: int = 10,
        store_trace: bool = False, store_memory_usage: bool = True, name: str | None = None, extras: Any = None,
        mbs: float = 0,
    ) -> dict[str, Any]:  # fmt: skip
        """Runs an operation `burn_iters` times, then `min_iters` times under the clock, and reports the median.

        Args:
          mbs: megabytes that a run moves, from which a throughput in MB/s is made.
        """
        for _ in range(burn_iters):
            sess.run(op_or_tensor, feed_dict=feed_dict)
        seconds = []
        for _ in range(min_iters):
            start = time.perf_counter()
            sess.run(op_or_tensor, feed_dict=feed_dict)
            seconds.append(time.perf_counter() - start)
        median = float(np.median(seconds))
        throughput = mbs / median if mbs else None
        values = {"iters": min_iters, "wall_time": median, "throughput": throughput, "extras": extras}
        self.report_benchmark(name=name, **values)
        return {"name": self._get_name(name), **values}

    def evaluate(self, tensors: Any) -> Any:
        from headrace.default_session import get_default_session
        from headrace.session import Session

        session = get_default_session()
        if session is not None:
            return session.run(tensors)
        with Session() as session:
            return session.run(tensors)


def benchmark_config() -> Any:
    """A ConfigProto for benchmarks, in which no rewrite removes what is to be measured."""
    from headrace.session import ConfigProto

    return ConfigProto()


def _methods(cls: type) -> list[str]:
    return [name for name in dir(cls) if name.startswith("benchmark") and callable(getattr(cls, name))]


def asked_for(argv: list[str]) -> bool:
    return any(argument == _OPTION or argument.startswith(_OPTION + "=") for argument in argv)


def run(argv: list[str]) -> None:
    """Runs the benchmarks whose "Class.method" the pattern after --benchmarks finds; "all" means each."""
    at = next(i for i, argument in enumerate(argv) if argument.startswith(_OPTION))
    pattern = argv[at].partition("=")[2] or (argv[at + 1] if at + 1 < len(argv) else "all")
    _run_benchmarks(pattern)


def _run_benchmarks(regex: str) -> None:
    regex = "." if regex == "all" else regex
    for cls in sorted(GLOBAL_BENCHMARK_REGISTRY, key=lambda cls: cls.__name__):
        if cls.is_abstract():  # type: ignore[attr-defined]
            continue
        names = [name for name in _methods(cls) if re.search(regex, f"{cls.__module__}.{cls.__name__}.{name}")]
        instance = cls() if names else None
        for name in names:
            getattr(instance, name)()
