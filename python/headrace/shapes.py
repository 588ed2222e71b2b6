"""tf.TensorShape and tf.Dimension: what is known of a tensor's shape."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any


class Dimension:
    """One size of a shape; `value` is None if it is not known."""

    __slots__ = ("_value",)

    def __init__(self, value: Any) -> None:
        if value is None:
            self._value = None
        else:
            if isinstance(value, Dimension):
                value = value.value
            if value is not None:
                if isinstance(value, (str, bytes)):
                    value = int(value)
                if not hasattr(value, "__index__"):
                    raise TypeError(f"Dimension value must be integer or None, got {value!r}")
                value = value.__index__()
                if value < 0:
                    raise ValueError(f"Dimension {value} must be >= 0")
            self._value = value

    @property
    def value(self) -> int | None:
        return self._value

    def is_compatible_with(self, other: Any) -> bool:
        other = as_dimension(other)
        return self._value is None or other.value is None or self._value == other.value

    def assert_is_compatible_with(self, other: Any) -> None:
        if not self.is_compatible_with(other):
            raise ValueError(f"Dimensions {self} and {as_dimension(other)} are not compatible")

    def merge_with(self, other: Any) -> Dimension:
        other = as_dimension(other)
        self.assert_is_compatible_with(other)
        return Dimension(other.value if self._value is None else self._value)

    def _with(self, other: Any, function: Any) -> Any:
        try:
            other = as_dimension(other).value
        except (TypeError, ValueError):
            return NotImplemented
        return Dimension(None if self._value is None or other is None else function(self._value, other))

    def __add__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: a + b)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: a - b)

    def __rsub__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: b - a)

    def __mul__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: a * b)

    __rmul__ = __mul__

    def __floordiv__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: a // b)

    def __rfloordiv__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: b // a)

    def __mod__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: a % b)

    def __rmod__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: b % a)

    def __div__(self, other: Any) -> Any:
        return self // other

    def __rdiv__(self, other: Any) -> Any:
        return other // self

    def __truediv__(self, other: Any) -> Any:
        raise TypeError(
            f"unsupported operand type(s) for /: 'Dimension' and '{type(other).__name__}', please use // instead"
        )

    def __rtruediv__(self, other: Any) -> Any:
        raise TypeError(
            f"unsupported operand type(s) for /: '{type(other).__name__}' and 'Dimension', please use // instead"
        )

    def __reduce__(self) -> Any:
        return Dimension, (self._value,)

    def _compare(self, other: Any, function: Any) -> Any:
        other = as_dimension(other).value
        return None if self._value is None or other is None else function(self._value, other)

    def __lt__(self, other: Any) -> Any:
        return self._compare(other, lambda a, b: a < b)

    def __le__(self, other: Any) -> Any:
        return self._compare(other, lambda a, b: a <= b)

    def __gt__(self, other: Any) -> Any:
        return self._compare(other, lambda a, b: a > b)

    def __ge__(self, other: Any) -> Any:
        return self._compare(other, lambda a, b: a >= b)

    def __eq__(self, other: object) -> Any:
        try:
            return self._compare(other, lambda a, b: a == b)
        except (TypeError, ValueError):
            return NotImplemented

    def __ne__(self, other: object) -> Any:
        try:
            return self._compare(other, lambda a, b: a != b)
        except (TypeError, ValueError):
            return NotImplemented

    def __hash__(self) -> int:
        return hash(self._value)

    def __int__(self) -> Any:
        return self._value

    def __index__(self) -> Any:
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __str__(self) -> str:
        return "?" if self._value is None else str(self._value)

    def __repr__(self) -> str:
        return f"Dimension({self._value})"


def as_dimension(value: Any) -> Dimension:
    return value if isinstance(value, Dimension) else Dimension(value)


def dimension_value(dimension: Any) -> int | None:
    """The int (or None) of a Dimension, or the value itself: works for both API versions."""
    return dimension.value if isinstance(dimension, Dimension) else dimension


def dimension_at_index(shape: TensorShape, index: int) -> Dimension:
    return shape[index] if shape.ndims is not None else Dimension(None)


class TensorShape:
    """The sizes of a tensor, each an int or None; `TensorShape(None)` has an unknown rank.

    >>> TensorShape([None, 3]).as_list()
    [None, 3]
    """

    __slots__ = ("_sizes",)
    _v2_behavior = False  # of 2.x, where an entry is a number and no Dimension

    def __init__(self, dims: Any = None) -> None:
        if dims is None:
            self._sizes: list[int | None] | None = None
        elif isinstance(dims, TensorShape):
            self._sizes = dims._sizes
        elif isinstance(dims, (list, tuple)):
            self._sizes = [d if type(d) is int and d >= 0 else _size(d) for d in dims]
        elif isinstance(dims, Dimension) or (hasattr(dims, "__index__") and getattr(dims, "ndim", 0) == 0):
            self._sizes = [_size(dims)]
        elif hasattr(dims, "unknown_rank") and hasattr(dims, "dim"):  # a TensorShapeProto
            self._sizes = None if dims.unknown_rank else [d.size if d.size != -1 else None for d in dims.dim]
        else:
            self._sizes = [_size(d) for d in dims]

    @property
    def dims(self) -> list[Dimension] | None:
        return None if self._sizes is None else [Dimension(d) for d in self._sizes]

    @property
    def ndims(self) -> int | None:
        return None if self._sizes is None else len(self._sizes)

    rank = ndims

    def as_list(self) -> list[int | None]:
        if self._sizes is None:
            raise ValueError("as_list() is not defined on an unknown TensorShape.")
        return list(self._sizes)

    def most_specific_compatible_shape(self, other: Any) -> TensorShape:
        """The sizes in which both agree; no rank where the ranks differ."""
        other = as_shape(other)
        if self._sizes is None or other._sizes is None or len(self._sizes) != len(other._sizes):
            return TensorShape(None)
        return TensorShape([a if a == b else None for a, b in zip(self._sizes, other._sizes)])

    def as_proto(self) -> Any:
        """The shape as a TensorShapeProto message."""
        from headrace.protos import tensor_pb2

        if self._sizes is None:
            return tensor_pb2.TensorShapeProto(unknown_rank=True)
        sizes = [-1 if size is None else size for size in self._sizes]
        return tensor_pb2.TensorShapeProto(dim=[tensor_pb2.TensorShapeProto.Dim(size=size) for size in sizes])

    def num_elements(self) -> int | None:
        if not self.is_fully_defined():
            return None
        count = 1
        for size in self._sizes:  # type: ignore[union-attr]
            count *= size  # type: ignore[operator]
        return count

    def is_fully_defined(self) -> bool:
        return self._sizes is not None and None not in self._sizes

    def assert_is_fully_defined(self) -> None:
        if not self.is_fully_defined():
            raise ValueError(f"Shape {self} is not fully defined")

    def is_compatible_with(self, other: Any) -> bool:
        other = as_shape(other)
        if self._sizes is None or other._sizes is None:
            return True
        return len(self._sizes) == len(other._sizes) and all(
            a is None or b is None or a == b for a, b in zip(self._sizes, other._sizes)
        )

    def assert_is_compatible_with(self, other: Any) -> None:
        if not self.is_compatible_with(other):
            raise ValueError(f"Shapes {self} and {as_shape(other)} are incompatible")

    def assert_same_rank(self, other: Any) -> None:
        other = as_shape(other)
        if self.ndims is not None and other.ndims is not None and self.ndims != other.ndims:
            raise ValueError(f"Shapes {self} and {other} must have the same rank")

    def assert_has_rank(self, rank: int) -> None:
        if self.ndims not in (None, rank):
            raise ValueError(f"Shape {self} must have rank {rank}")

    def with_rank(self, rank: int) -> TensorShape:
        return self.merge_with(TensorShape([None] * rank))

    def with_rank_at_least(self, rank: int) -> TensorShape:
        if self.ndims is not None and self.ndims < rank:
            raise ValueError(f"Shape {self} must have rank at least {rank}")
        return self

    def with_rank_at_most(self, rank: int) -> TensorShape:
        if self.ndims is not None and self.ndims > rank:
            raise ValueError(f"Shape {self} must have rank at most {rank}")
        return self

    def merge_with(self, other: Any) -> TensorShape:
        other = as_shape(other)
        if self._sizes is None:
            return other
        if other._sizes is None:
            return self
        self.assert_is_compatible_with(other)
        return TensorShape([b if a is None else a for a, b in zip(self._sizes, other._sizes)])

    def concatenate(self, other: Any) -> TensorShape:
        other = as_shape(other)
        if self._sizes is None or other._sizes is None:
            return TensorShape(None)
        return TensorShape(self._sizes + other._sizes)

    def __add__(self, other: Any) -> TensorShape:
        return self.concatenate(other)

    def __radd__(self, other: Any) -> TensorShape:
        return as_shape(other).concatenate(self)

    def __len__(self) -> int:
        if self._sizes is None:
            raise ValueError("Cannot take the length of shape with unknown rank.")
        return len(self._sizes)

    def __bool__(self) -> bool:
        return self._sizes is not None

    def __iter__(self) -> Iterator[Dimension]:
        if self._sizes is None:
            raise ValueError("Cannot iterate over a shape with unknown rank.")
        return iter([Dimension(d) for d in self._sizes])

    def __getitem__(self, key: Any) -> Any:
        if self._sizes is None:
            return TensorShape(None) if isinstance(key, slice) else Dimension(None)
        if isinstance(key, slice):
            return TensorShape(self._sizes[key])
        return Dimension(self._sizes[key])

    def __eq__(self, other: object) -> bool:
        try:
            other = as_shape(other)
        except (TypeError, ValueError):
            return NotImplemented
        if self._sizes is None or other._sizes is None or self._sizes is other._sizes:
            return self._sizes is other._sizes
        return self._sizes == other._sizes and None not in self._sizes  # a size that is not known equals none

    def __ne__(self, other: object) -> bool:
        """Raises ValueError where a shape's rank is unknown, since then it can't be said."""
        try:
            other = as_shape(other)
        except (TypeError, ValueError):
            return NotImplemented
        if self._sizes is None or other._sizes is None:
            raise ValueError("The inequality of unknown TensorShapes is undefined.")
        return not self == other

    def __reduce__(self) -> Any:
        return TensorShape, (self._sizes,)

    def __hash__(self) -> int:
        return hash(None if self._sizes is None else tuple(self._sizes))

    def __repr__(self) -> str:
        return f"TensorShape({self.dims})"

    def __str__(self) -> str:
        if self._sizes is None:
            return "<unknown>"
        sizes = ["?" if d is None else str(d) for d in self._sizes]
        return f"({sizes[0]},)" if len(sizes) == 1 else f"({', '.join(sizes)})"


def _size(value: Any) -> int | None:
    if value == -1:
        return None
    return as_dimension(value).value


def as_shape(value: Any) -> TensorShape:
    return value if isinstance(value, TensorShape) else TensorShape(value)


def unknown_shape(ndims: int | None = None, **kwargs: Any) -> TensorShape:
    """A shape of unknown sizes, and of unknown rank unless `ndims` gives it."""
    rank = kwargs.pop("rank", ndims)
    return TensorShape(None if rank is None else [None] * rank)


def scalar() -> TensorShape:
    return TensorShape([])


def vector(length: Any) -> TensorShape:
    return TensorShape([length])


def matrix(rows: Any, cols: Any) -> TensorShape:
    return TensorShape([rows, cols])


def _broadcast(x: TensorShape, y: TensorShape) -> list[int | None] | None:
    """The sizes of what two shapes broadcast to, None if a rank is unknown. Raises ValueError if they do not."""
    if x._sizes is None or y._sizes is None:
        return None
    sizes: list[int | None] = []
    for a, b in itertools.zip_longest(reversed(x._sizes), reversed(y._sizes), fillvalue=1):
        if a == 1 or b == 1:
            sizes.append(b if a == 1 else a)
        elif a is None or b is None:
            sizes.append(b if a is None else a)
        elif a == b:
            sizes.append(a)
        else:
            raise ValueError(f"Incompatible shapes for broadcasting: {x} and {y}")
    return sizes[::-1]


def broadcast_shape(shape_x: Any, shape_y: Any) -> TensorShape:
    """The shape that two shapes broadcast to. Raises ValueError if they do not."""
    return TensorShape(_broadcast(as_shape(shape_x), as_shape(shape_y)))


broadcast_static_shape = broadcast_shape


def is_broadcast_compatible(shape_x: Any, shape_y: Any) -> bool:
    """Whether two shapes are known to broadcast."""
    try:
        return _broadcast(as_shape(shape_x), as_shape(shape_y)) is not None
    except ValueError:
        return False


def call_cpp_shape_fn(op: Any, require_shape_fn: bool = True) -> dict[str, Any]:
    """The shapes that an operation's declaration gives its outputs, which it has anyway."""
    return {"shapes": [output.shape for output in op.outputs]}
