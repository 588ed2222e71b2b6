"""Element types: tf.DType and the objects tf.float32, tf.int64, … numbered as on disk."""

from __future__ import annotations

from typing import Any

import numpy as np

_REF = 100  # tf.float32_ref is 101


class DType:
    """The type of a tensor's elements. Compares equal to its name and to the NumPy type.

    >>> import tensorflow as tf
    >>> tf.float32 == np.float32, tf.as_dtype("int64").size
    (True, 8)
    """

    __slots__ = ("as_datatype_enum", "name", "_numpy", "__weakref__")

    def __init__(self, number: int, name: str | None = None, numpy_type: Any = None) -> None:
        if name is None:  # a number alone, as programs may give it
            known = BY_NUMBER.get(int(number))
            if known is None:
                raise TypeError(f"type_enum is not a valid types_pb2.DataType: {number!r}")
            number, name, numpy_type = known.as_datatype_enum, known.name, known._numpy
        self.as_datatype_enum = number
        self.name = name
        self._numpy = numpy_type

    @property
    def as_numpy_dtype(self) -> Any:
        return self._numpy

    @property
    def _is_ref_dtype(self) -> bool:
        return self.as_datatype_enum > _REF

    @property
    def base_dtype(self) -> DType:
        """The type without the reference, which variables of 1.x carry."""
        return BY_NUMBER[self.as_datatype_enum - _REF] if self._is_ref_dtype else self

    @property
    def real_dtype(self) -> DType:
        return {"complex64": float32, "complex128": float64}.get(self.base_dtype.name, self.base_dtype)

    @property
    def _kind(self) -> str:
        if self.base_dtype is bfloat16:
            return "f"
        return np.dtype(self._numpy).kind if self._numpy is not object else "O"

    @property
    def is_floating(self) -> bool:
        return self._kind == "f"

    @property
    def is_integer(self) -> bool:
        return self._kind in "iu" and not self.is_quantized and self.base_dtype is not bfloat16

    @property
    def is_quantized(self) -> bool:
        return self.base_dtype.name.startswith(("qint", "quint"))

    @property
    def is_complex(self) -> bool:
        return self._kind == "c"

    @property
    def is_bool(self) -> bool:
        return self.base_dtype is bool_

    @property
    def is_unsigned(self) -> bool:
        return self._kind == "u"

    @property
    def is_numpy_compatible(self) -> bool:
        return self.base_dtype not in (resource, variant)

    @property
    def size(self) -> int:
        """Bytes of one element; 1 for types that are C++ objects, as in TensorFlow."""
        return 1 if self._numpy is object else np.dtype(self._numpy).itemsize

    @property
    def min(self) -> Any:
        """The least value. Raises TypeError for types whose values have no order."""
        self._check_order("minimum")
        return np.finfo(self._numpy).min if self.is_floating else np.iinfo(self._numpy).min

    def _check_order(self, which: str) -> None:
        if self.is_quantized or self.base_dtype in (bool_, string, complex64, complex128, resource, variant):
            raise TypeError(f"Cannot find {which} value of {self}.")

    @property
    def max(self) -> Any:
        """The largest value. Raises TypeError for types whose values have no order."""
        self._check_order("maximum")
        return np.finfo(self._numpy).max if self.is_floating else np.iinfo(self._numpy).max

    @property
    def limits(self) -> tuple[Any, Any]:
        return (0 if self.is_integer else -1, self.max if self.is_integer else 1)

    def is_compatible_with(self, other: Any) -> bool:
        other = as_dtype(other)
        return other.base_dtype is self.base_dtype

    def __eq__(self, other: object) -> bool:
        if other is self:
            return True
        if other is None:
            return False
        if type(other) is not DType:
            try:
                other = as_dtype(other)
            except TypeError:
                return False
        return self.as_datatype_enum == other.as_datatype_enum

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return self.as_datatype_enum

    def __int__(self) -> int:
        return self.as_datatype_enum

    def __str__(self) -> str:
        return f"<dtype: {self.name!r}>"

    def __repr__(self) -> str:
        return f"tf.{self.name}"

    def __reduce__(self) -> tuple[Any, ...]:
        return as_dtype, (self.name,)


_TABLE = [
    (1, "float32", np.float32), (2, "float64", np.float64), (3, "int32", np.int32), (4, "uint8", np.uint8),
    (5, "int16", np.int16), (6, "int8", np.int8), (7, "string", object), (8, "complex64", np.complex64),
    (9, "int64", np.int64), (10, "bool", np.bool_), (11, "qint8", np.int8), (12, "quint8", np.uint8),
    (13, "qint32", np.int32), (14, "bfloat16", np.uint16), (15, "qint16", np.int16),
    (16, "quint16", np.uint16), (17, "uint16", np.uint16),
    (18, "complex128", np.complex128), (19, "float16", np.float16), (20, "resource", object),
    (21, "variant", object), (22, "uint32", np.uint32), (23, "uint64", np.uint64),
]  # fmt: skip

BY_NUMBER: dict[int, DType] = {}
_BY_NAME: dict[str, DType] = {"float": None, "double": None, "half": None}  # type: ignore[dict-item]
for _number, _name, _numpy in _TABLE:
    BY_NUMBER[_number] = _BY_NAME[_name] = DType(_number, _name, _numpy)
    BY_NUMBER[_number + _REF] = _BY_NAME[_name + "_ref"] = DType(_number + _REF, _name + "_ref", _numpy)

float32 = _BY_NAME["float32"]
float64 = double = _BY_NAME["float64"]
float16 = half = _BY_NAME["float16"]
bfloat16 = _BY_NAME["bfloat16"]
int8, int16, int32, int64 = (_BY_NAME[n] for n in ("int8", "int16", "int32", "int64"))
uint8, uint16, uint32, uint64 = (_BY_NAME[n] for n in ("uint8", "uint16", "uint32", "uint64"))
complex64, complex128 = _BY_NAME["complex64"], _BY_NAME["complex128"]
bool_ = _BY_NAME["bool"]
string, resource, variant = _BY_NAME["string"], _BY_NAME["resource"], _BY_NAME["variant"]
qint8, qint16, qint32, quint8, quint16 = (_BY_NAME[n] for n in ("qint8", "qint16", "qint32", "quint8", "quint16"))
QUANTIZED_DTYPES = _QUANTIZED_DTYPES = frozenset(
    BY_NUMBER[t.as_datatype_enum + ref] for t in (qint8, quint8, qint16, quint16, qint32) for ref in (0, _REF)
)
_TYPE_TO_STRING = {number: dtype.name for number, dtype in BY_NUMBER.items()}
_STRING_TO_TF = {dtype.name: dtype for dtype in BY_NUMBER.values()}
for _dtype in list(BY_NUMBER.values()):
    if _dtype._is_ref_dtype:
        globals()[_dtype.name] = _dtype
_BY_NAME.update({"float": float32, "double": float64, "half": float16})

_BY_PYTHON: dict[Any, DType] = {float: float32, bool: bool_, object: string, str: string, bytes: string}
for _number, _name, _numpy in _TABLE:
    if _numpy is not object and _name != "bfloat16" and not _name.startswith("q"):
        _BY_PYTHON[_numpy] = _BY_PYTHON[np.dtype(_numpy)] = _BY_NAME[_name]


def as_dtype(value: Any) -> DType:
    """The DType of a name, a number of the DataType enum, a NumPy type or a Python type.

    Raises:
      TypeError: if `value` names no type.
    """
    if type(value) is DType:
        return value
    try:
        found = _BY_PYTHON.get(value)
        if found is None:
            found = _BY_NAME.get(value) if isinstance(value, str) else BY_NUMBER.get(value)
        if found is not None:
            return found
    except TypeError:  # not hashable
        pass
    dtype = getattr(value, "dtype", None)
    if type(dtype) is DType:
        return dtype
    try:
        numpy_dtype = np.dtype(value)
    except TypeError:
        pass
    else:
        if numpy_dtype.kind in "SUO" and numpy_dtype.fields is None:
            return string
        if numpy_dtype in _BY_PYTHON:
            return _BY_PYTHON[numpy_dtype]
    raise TypeError(f"Cannot convert value {value!r} to a TensorFlow DType.")
