"""tf.train.Example and what it is made of, and TFRecord files. The wire format of protocol buffers, written by hand."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from headrace import _core


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _field(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _fields(data: bytes) -> Iterator[tuple[int, int, Any]]:
    """(number, wire type, value) of each field."""
    at = 0
    while at < len(data):
        key, at = _read_varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, at = _read_varint(data, at)
        elif wire == 2:
            size, at = _read_varint(data, at)
            value, at = data[at : at + size], at + size
        else:
            size = 4 if wire == 5 else 8
            value, at = data[at : at + size], at + size
        yield number, wire, value


class _Message:
    """What the messages here share."""

    @classmethod
    def FromString(cls, data: bytes) -> Any:  # noqa: N802
        message = cls()
        message.ParseFromString(data)
        return message

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.SerializeToString() == self.SerializeToString()  # type: ignore[attr-defined]

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.__dict__})"


class _List(_Message):
    def __init__(self, value: Any = ()) -> None:
        self.value = list(value)


class BytesList(_List):
    """Byte strings."""

    def __init__(self, value: Any = ()) -> None:
        for item in value:
            if not isinstance(item, (bytes, bytearray)):
                raise TypeError(f"{item!r} has type {type(item).__name__}, but expected one of: bytes")
        super().__init__(value)

    def SerializeToString(self) -> bytes:  # noqa: N802
        return b"".join(_field(1, bytes(item)) for item in self.value)

    def ParseFromString(self, data: bytes) -> None:  # noqa: N802
        self.value = [value for _, _, value in _fields(data)]


class FloatList(_List):
    """32-bit floats."""

    def SerializeToString(self) -> bytes:  # noqa: N802
        return _field(1, struct.pack(f"<{len(self.value)}f", *self.value)) if self.value else b""

    def ParseFromString(self, data: bytes) -> None:  # noqa: N802
        self.value = [x for _, _, value in _fields(data) for (x,) in struct.iter_unpack("<f", value)]


class Int64List(_List):
    """64-bit integers."""

    def SerializeToString(self) -> bytes:  # noqa: N802
        return _field(1, b"".join(_varint(int(item)) for item in self.value)) if self.value else b""

    def ParseFromString(self, data: bytes) -> None:  # noqa: N802
        values: list[int] = []
        for _, wire, value in _fields(data):
            if wire == 0:
                values.append(value)
            else:
                at = 0
                while at < len(value):
                    item, at = _read_varint(value, at)
                    values.append(item)
        self.value = [v - (1 << 64) if v >= 1 << 63 else v for v in values]


_KINDS = {1: ("bytes_list", BytesList), 2: ("float_list", FloatList), 3: ("int64_list", Int64List)}


class Feature(_Message):
    """One of bytes_list, float_list and int64_list."""

    def __init__(self, bytes_list: Any = None, float_list: Any = None, int64_list: Any = None) -> None:
        given = {"bytes_list": bytes_list, "float_list": float_list, "int64_list": int64_list}
        self._kind = next((name for name, value in given.items() if value is not None), None)
        self._value = given.get(self._kind or "")

    def WhichOneof(self, group: str) -> str | None:  # noqa: N802
        return self._kind

    def __getattr__(self, name: str) -> Any:
        for kind, cls in _KINDS.values():
            if name == kind:
                if self.__dict__.get("_kind") != kind:
                    self.__dict__.update(_kind=kind, _value=cls())
                return self._value
        raise AttributeError(name)

    def SerializeToString(self) -> bytes:  # noqa: N802
        for number, (kind, _) in _KINDS.items():
            if self._kind == kind:
                return _field(number, self._value.SerializeToString())
        return b""

    def ParseFromString(self, data: bytes) -> None:  # noqa: N802
        for number, _, value in _fields(data):
            kind, cls = _KINDS[number]
            self._kind, self._value = kind, cls.FromString(value)


class Features(_Message):
    """Features by name."""

    def __init__(self, feature: dict[str, Feature] | None = None) -> None:
        self.feature = dict(feature or {})

    def SerializeToString(self) -> bytes:  # noqa: N802
        return b"".join(
            _field(1, _field(1, name.encode()) + _field(2, self.feature[name].SerializeToString()))
            for name in sorted(self.feature)
        )

    def ParseFromString(self, data: bytes) -> None:  # noqa: N802
        self.feature = {}
        for _, _, entry in _fields(data):
            parts = {number: value for number, _, value in _fields(entry)}
            self.feature[parts[1].decode()] = Feature.FromString(parts.get(2, b""))


class Example(_Message):
    """A record of features.

    >>> feature = Feature(float_list=FloatList(value=[2.5]))
    >>> data = Example(features=Features(feature={"fare": feature})).SerializeToString()
    >>> Example.FromString(data).features.feature["fare"].float_list.value
    [2.5]
    """

    def __init__(self, features: Features | None = None) -> None:
        self.features = features or Features()

    def SerializeToString(self) -> bytes:  # noqa: N802
        return _field(1, self.features.SerializeToString())

    def ParseFromString(self, data: bytes) -> None:  # noqa: N802
        for number, _, value in _fields(data):
            if number == 1:
                self.features = Features.FromString(value)


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
