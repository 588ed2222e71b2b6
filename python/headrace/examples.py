"""TFRecord files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from headrace import _core


class TFRecordWriter:
    """Writes records to a TFRecord file."""

    def __init__(self, path: str, options: Any = None) -> None:
        if options is not None:
            raise NotImplementedError("compressed TFRecord files can't be written yet")
        self._native = _core.RecordWriter(str(path))

    def write(self, record: bytes) -> None:
        self._native.write(record)

    def flush(self) -> None:
        self._native.flush()

    def close(self) -> None:
        self._native.close()

    def __enter__(self) -> TFRecordWriter:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def tf_record_iterator(path: str, options: Any = None) -> Iterator[bytes]:
    """The records of a TFRecord file. Raises DataLossError where it is damaged."""
    reader = _core.RecordReader(str(path))
    while (record := reader.next()) is not None:
        yield record
