"""EagerTensor: a tf.Tensor that has its value, because the op behind it ran when it was called."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from headrace import _core

EagerTensor = _core.EagerTensor

_DEVICE = "/job:localhost/replica:0/task:0/device:CPU:0"


def _meaningless(name: str) -> property:
    def refuse(self: EagerTensor) -> Any:
        raise AttributeError(f"Tensor.{name} is meaningless when eager execution is enabled.")

    return property(refuse)


def _numpy(self: EagerTensor) -> Any:
    """A copy of the value: a NumPy array, or a NumPy scalar (bytes of a string) for rank 0."""
    return self._copied()


def _array(self: EagerTensor, dtype: Any = None) -> np.ndarray:
    return np.asarray(self._copied(), dtype)


def _len(self: EagerTensor) -> int:
    shape = self._shape_tuple()
    if not shape:
        raise TypeError("Scalar tensor has no `len()`")
    return shape[0]


def _iterate(self: EagerTensor) -> Iterator[EagerTensor]:
    if not self._shape_tuple():
        raise TypeError("Cannot iterate over a scalar tensor.")
    return (self[i] for i in range(len(self)))


def _index(self: EagerTensor) -> int:
    value = self._copied()
    if not isinstance(value, np.integer):
        raise TypeError("only integer scalar arrays can be converted to a scalar index")
    return int(value)


def _text(self: EagerTensor, of_array: Any) -> str:
    value = self._copied() if self.dtype.is_numpy_compatible else "<unprintable>"
    return of_array(value) if isinstance(value, np.ndarray) else str(value)


def _repr(self: EagerTensor) -> str:
    return (
        f"<tf.Tensor: id={self._id}, shape={self._shape_tuple()}, dtype={self.dtype.name}, numpy={_text(self, repr)}>"
    )


def _str(self: EagerTensor) -> str:
    return f"tf.Tensor({_text(self, str)}, shape={self._shape_tuple()}, dtype={self.dtype.name})"


def _set_shape(self: EagerTensor, shape: Any) -> None:
    if not self.shape.is_compatible_with(shape):
        raise ValueError(f"Tensor's shape {self.shape} is not compatible with supplied shape {shape}")


def _no_eval(self: EagerTensor, feed_dict: Any = None, session: Any = None) -> Any:
    raise NotImplementedError(
        "eval is not supported when eager execution is enabled, is .numpy() what you're looking for?"
    )


def _same(self: EagerTensor, *ignored: Any) -> EagerTensor:
    return self


for _name in ("name", "op", "graph", "value_index"):
    setattr(EagerTensor, _name, _meaningless(_name))
EagerTensor.numpy = EagerTensor._numpy = _numpy
EagerTensor.__array__ = _array
EagerTensor.__len__ = _len
EagerTensor.__iter__ = _iterate
EagerTensor.__bool__ = lambda self: bool(self._copied())
EagerTensor.__int__ = lambda self: int(self._copied())
EagerTensor.__float__ = lambda self: float(self._copied())
EagerTensor.__complex__ = lambda self: complex(self._copied())
EagerTensor.__index__ = _index
EagerTensor.__round__ = lambda self, digits=0: np.round(self._copied(), digits)
EagerTensor.__format__ = lambda self, spec: format(self._copied(), spec)
EagerTensor.__repr__ = _repr
EagerTensor.__str__ = _str
EagerTensor.__copy__ = EagerTensor.cpu = EagerTensor._copy = EagerTensor.__deepcopy__ = _same
EagerTensor.device = EagerTensor.backing_device = property(lambda self: _DEVICE)
EagerTensor.ndim = property(lambda self: self._rank())
EagerTensor.set_shape = _set_shape
EagerTensor.eval = _no_eval
EagerTensor.consumers = lambda self: (_ for _ in ()).throw(
    NotImplementedError("Tensor.consumers is meaningless when eager execution is enabled.")
)
EagerTensor.get_shape = lambda self: self.shape
EagerTensor.__reduce__ = lambda self: (_from_numpy, (self._copied(), self.dtype.name))


def _from_numpy(value: Any, dtype: str) -> EagerTensor:
    with _core.eager_context():
        return _core.constant(value, dtype, None, "Const")
