"""tf.contrib.testing: a summary writer that remembers what it is given, and the newest events of a directory."""

from __future__ import annotations

import glob
import os
from typing import Any

from headrace import summary


class FakeSummaryWriter:
    """Stands in for FileWriter: keeps summaries, graphs and logs by step; `install()` gives it to everyone who asks
    the cache of writers for one.
    """

    _replaced: Any = None

    @classmethod
    def install(cls) -> None:
        """Raises ValueError if it is installed already."""
        if cls._replaced is not None:
            raise ValueError("FakeSummaryWriter already installed.")
        cls._replaced = summary.FileWriter
        summary.FileWriter = cls  # type: ignore[misc]
        summary.FileWriterCache.clear()

    @classmethod
    def uninstall(cls) -> None:
        """Raises ValueError if it is not installed."""
        if cls._replaced is None:
            raise ValueError("FakeSummaryWriter not installed.")
        summary.FileWriter, cls._replaced = cls._replaced, None  # type: ignore[misc]
        summary.FileWriterCache.clear()

    def __init__(self, logdir: str, graph: Any = None) -> None:
        self._logdir, self._graph = logdir, graph
        self._summaries: dict[int, list[Any]] = {}
        self._added_graphs: list[Any] = []
        self._added_meta_graphs: list[Any] = []
        self._added_session_logs: list[Any] = []
        self._added_run_metadata: dict[str, Any] = {}

    @property
    def summaries(self) -> dict[int, list[Any]]:
        return self._summaries

    def add_summary(self, summ: Any, current_global_step: Any = None) -> None:
        from headrace.protos import event_pb2

        message = event_pb2.Summary.FromString(summ) if isinstance(summ, bytes) else summ
        self._summaries.setdefault(current_global_step, []).append(message)

    def add_graph(self, graph: Any, global_step: Any = None, graph_def: Any = None) -> None:
        """Keeps the graph; only without a step, as hooks add it."""
        if global_step is not None and global_step < 0:
            raise ValueError(f"a graph was added at step {global_step}")
        self._added_graphs.append(graph)

    def add_meta_graph(self, meta_graph_def: Any, global_step: Any = None) -> None:
        self._added_meta_graphs.append(meta_graph_def)

    def add_session_log(self, session_log: Any, global_step: Any = None) -> None:
        self._added_session_logs.append(session_log)

    def add_run_metadata(self, run_metadata: Any, tag: str, global_step: Any = None) -> None:
        self._added_run_metadata[tag] = run_metadata

    def flush(self) -> None:
        """Nothing is written."""

    def reopen(self) -> None:
        """It is always open."""

    def close(self) -> None:
        """Nothing is written."""

    def assert_summaries(
        self, test_case: Any, expected_logdir: Any = None, expected_graph: Any = None, expected_summaries: Any = None,
        expected_added_graphs: Any = None, expected_added_meta_graphs: Any = None, expected_session_logs: Any = None,
    ) -> None:  # fmt: skip
        """Fails the test where what was added is not what is expected: of summaries {step: {tag: value}}."""
        for expected, found in (
            (expected_logdir, self._logdir), (expected_graph, self._graph), (expected_added_graphs, self._added_graphs),
            (expected_added_meta_graphs, self._added_meta_graphs), (expected_session_logs, self._added_session_logs),
        ):  # fmt: skip
            if expected is not None:
                test_case.assertEqual(expected, found)
        for step, values in (expected_summaries or {}).items():
            test_case.assertIn(step, self._summaries, f"Missing step {step}")
            found = {v.tag: v.simple_value for message in self._summaries[step] for v in message.value}
            for tag, value in values.items():
                test_case.assertIn(tag, found, f"Missing tag {tag} at step {step}")
                test_case.assertAlmostEqual(value, found[tag], places=5, msg=f"{tag} at step {step}")


def latest_event_file(base_dir: str) -> str | None:
    """The newest event file in a directory, None if there is none."""
    files = glob.glob(os.path.join(base_dir, "events.*"))
    return max(files) if files else None


def latest_events(base_dir: str) -> list[Any]:
    """The Event messages of the newest event file."""
    from headrace.examples import tf_record_iterator
    from headrace.protos import event_pb2

    file = latest_event_file(base_dir)
    return [] if file is None else [event_pb2.Event.FromString(record) for record in tf_record_iterator(file)]


def latest_summaries(base_dir: str) -> list[Any]:
    """The events that hold a summary."""
    return [event for event in latest_events(base_dir) if event.HasField("summary")]


def simple_values_from_events(events: Any, tags: Any) -> dict[str, float]:
    """The last simple value of each tag."""
    return {v.tag: v.simple_value for event in events for v in event.summary.value if v.tag in tags}
