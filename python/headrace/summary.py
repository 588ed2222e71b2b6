"""tf.summary: ops that make summaries, and writers of event files for TensorBoard."""

from __future__ import annotations

from typing import Any

from headrace import _core
from headrace.framework import GraphKeys, Tensor, get_collection


def scalar(name: str, tensor: Any, collections: Any = None, family: str | None = None) -> Tensor:
    """A summary of one number, shown as a curve under `name` in the current name scope."""
    return _core.summarize_scalar(_tag(name, family), tensor, collections or [GraphKeys.SUMMARIES])


def histogram(name: str, values: Any, collections: Any = None, family: str | None = None) -> Tensor:
    """A summary of how values are distributed."""
    return _core.summarize_histogram(_tag(name, family), values, collections or [GraphKeys.SUMMARIES])


def _tag(name: str, family: str | None) -> str:
    return f"{family}/{name}" if family else name


def merge(inputs: Any, collections: Any = None, name: str | None = None) -> Tensor:
    """One summary with the values of several."""
    return _core.merge_summary(list(inputs), name or "Merge")


def merge_all(key: str = GraphKeys.SUMMARIES, scope: str | None = None, name: str | None = None) -> Tensor | None:
    """One summary of all that were made; None if there are none."""
    found = get_collection(key, scope)
    return merge(found, name=name) if found else None


class FileWriter:
    """Writes an event file in a directory."""

    START, STOP, CHECKPOINT = 1, 2, 3

    def __init__(
        self, logdir: str, graph: Any = None, max_queue: int = 10, flush_secs: int = 120, graph_def: Any = None,
        filename_suffix: str | None = None, session: Any = None,
    ) -> None:  # fmt: skip
        self._logdir, self._suffix = str(logdir), filename_suffix or ""
        self._native: Any = _core.EventWriter(self._logdir, self._suffix)
        if graph is not None:
            self.add_graph(graph)

    def get_logdir(self) -> str:
        return self._logdir

    def add_summary(self, summary: Any, global_step: int | None = None) -> None:
        """Adds what a summary op gave (bytes), or a Summary message."""
        data = summary if isinstance(summary, bytes) else summary.SerializeToString()
        self._writer().add_summary(data, 0 if global_step is None else int(global_step))

    def add_event(self, event: Any) -> None:
        self._writer().add_event(event if isinstance(event, bytes) else event.SerializeToString())

    def add_graph(self, graph: Any, global_step: int | None = None, graph_def: Any = None) -> None:
        self._writer().add_graph(graph)

    def add_session_log(self, session_log: Any, global_step: int | None = None) -> None:
        self._writer().add_session_log(getattr(session_log, "status", 0), global_step or 0, "")

    def _writer(self) -> Any:
        if self._native is None:
            self.reopen()
        return self._native

    def flush(self) -> None:
        if self._native is not None:
            self._native.flush()

    def close(self) -> None:
        if self._native is not None:
            self._native.close()
            self._native = None

    def reopen(self) -> None:
        if self._native is None:
            self._native = _core.EventWriter(self._logdir, self._suffix)

    def __enter__(self) -> FileWriter:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class FileWriterCache:
    """One FileWriter a directory."""

    _cache: dict[str, FileWriter] = {}

    @staticmethod
    def clear() -> None:
        for writer in FileWriterCache._cache.values():
            writer.close()
        FileWriterCache._cache = {}

    @staticmethod
    def get(logdir: str) -> FileWriter:
        if logdir not in FileWriterCache._cache:
            FileWriterCache._cache[logdir] = FileWriter(logdir)
        return FileWriterCache._cache[logdir]
