"""tf.debugging's assertions: checked at once where the values are known, else an operation that checks in each run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from headrace import _ops, arrays, control_flow, dtypes, errors, framework, math
from headrace.framework import Tensor, constant_value, convert_to_tensor, name_scope


def _static_text(item: Any) -> str:
    value = constant_value(item) if isinstance(item, Tensor) else None
    return str(item if value is None else value)


def _assert_static(holds: bool, data: Any) -> None:
    if not holds:
        raise errors.InvalidArgumentError(None, None, "\n".join(_static_text(item) for item in data))


def _checked(condition: Any, static: bool | None, data: Any, summarize: Any) -> Any:
    """An Assert of the condition. Raises InvalidArgumentError where it is known not to hold."""
    if framework.executing_eagerly():
        static = bool(np.all(condition.numpy()))
    if static is not None:
        _assert_static(static, data)
        if framework.executing_eagerly():
            return None
    return control_flow.Assert(condition, data, summarize=summarize)


# ---------------------------------------------------------------------------------------------------------- two tensors


def _binary(name_: str, sign: str, op: Callable, static: Callable) -> tuple[Callable, Callable]:
    """An assertion about each pair of elements, with the arguments of 1.x and of 2.x."""

    def check(
        x: Any, y: Any, data: Any = None, summarize: Any = None, message: str | None = None, name: str | None = None
    ) -> Any:
        with name_scope(name, name_, [x, y, data]):
            x = convert_to_tensor(x, name="x")
            y = convert_to_tensor(y, name="y")
            if data is None:
                data = [f"Condition x {sign} y did not hold element-wise:"]
                data += [f"x ({_shown(x)}) = ", x, f"y ({_shown(y)}) = ", y]
            if message is not None:
                data = [message, *data]
            condition = math.reduce_all(op(x, y))
            x_value, y_value = constant_value(x), constant_value(y)
            known = None
            if x_value is not None and y_value is not None:
                known = bool(np.all(static(x_value, y_value)))
            return _checked(condition, known, data, summarize)

    def check_v2(x: Any, y: Any, message: str | None = None, summarize: Any = None, name: str | None = None) -> Any:
        return check(x, y, summarize=summarize, message=message, name=name)

    check.__name__ = check_v2.__name__ = name_
    check.__doc__ = check_v2.__doc__ = (
        f"An operation that fails unless x {sign} y for each pair of elements; raises InvalidArgumentError where it is "
        "known not to hold."
    )  # fmt: skip
    return check, check_v2


def _shown(x: Tensor) -> str:
    return f"shape={x.shape} dtype={x.dtype.name}" if framework.executing_eagerly() else x.name


assert_equal, assert_equal_v2 = _binary("assert_equal", "==", math.equal, np.equal)
assert_none_equal, assert_none_equal_v2 = _binary("assert_none_equal", "!=", math.not_equal, np.not_equal)
assert_less, assert_less_v2 = _binary("assert_less", "<", _ops.less, np.less)
assert_less_equal, assert_less_equal_v2 = _binary("assert_less_equal", "<=", _ops.less_equal, np.less_equal)
assert_greater, assert_greater_v2 = _binary("assert_greater", ">", _ops.greater, np.greater)
assert_greater_equal, assert_greater_equal_v2 = _binary(
    "assert_greater_equal", ">=", _ops.greater_equal, np.greater_equal
)


def assert_near(
    x: Any, y: Any, rtol: Any = None, atol: Any = None, data: Any = None, summarize: Any = None,
    message: str | None = None, name: str | None = None,
) -> Any:  # fmt: skip
    """An operation that fails unless |x - y| <= atol + rtol * |y|; both are 10 times the dtype's epsilon by default."""
    with name_scope(name, "assert_near", [x, y, rtol, atol, data]):
        x = convert_to_tensor(x, name="x")
        y = convert_to_tensor(y, x.dtype, name="y")
        epsilon = 10 * np.finfo(x.dtype.as_numpy_dtype).eps
        rtol = convert_to_tensor(epsilon if rtol is None else rtol, x.dtype.real_dtype, "rtol")
        atol = convert_to_tensor(epsilon if atol is None else atol, x.dtype.real_dtype, "atol")
        if data is None:
            data = [message or "", f"x and y not equal to tolerance rtol = {rtol}, atol = {atol}"]
            data += [f"x ({_shown(x)}) = ", x, f"y ({_shown(y)}) = ", y]
        condition = math.reduce_all(_ops.less_equal(math.abs(x - y), atol + rtol * math.abs(y)))
        return _checked(condition, None, data, summarize)


def assert_near_v2(
    x: Any, y: Any, rtol: Any = None, atol: Any = None, message: str | None = None, summarize: Any = None,
    name: str | None = None,
) -> Any:  # fmt: skip
    return assert_near(x, y, rtol, atol, summarize=summarize, message=message, name=name)


# ----------------------------------------------------------------------------------------------------------- one tensor


def _unary(name_: str, sign: str, compare: Callable, zero_first: bool) -> tuple[Callable, Callable]:
    def check(
        x: Any, data: Any = None, summarize: Any = None, message: str | None = None, name: str | None = None
    ) -> Any:
        with name_scope(name, name_, [x, data]):
            x = convert_to_tensor(x, name="x")
            if data is None:
                data = [message or "", f"Condition x {sign} 0 did not hold element-wise:", f"x ({_shown(x)}) = ", x]
            zero = convert_to_tensor(0, x.dtype)
            return compare(zero, x, data=data, summarize=summarize) if zero_first else compare(
                x, zero, data=data, summarize=summarize
            )  # fmt: skip

    def check_v2(x: Any, message: str | None = None, summarize: Any = None, name: str | None = None) -> Any:
        return check(x, summarize=summarize, message=message, name=name)

    check.__name__ = check_v2.__name__ = name_
    check.__doc__ = check_v2.__doc__ = f"An operation that fails unless x {sign} 0 for each element."
    return check, check_v2


assert_negative, assert_negative_v2 = _unary("assert_negative", "<", assert_less, False)
assert_positive, assert_positive_v2 = _unary("assert_positive", ">", assert_less, True)
assert_non_negative, assert_non_negative_v2 = _unary("assert_non_negative", ">=", assert_less_equal, True)
assert_non_positive, assert_non_positive_v2 = _unary("assert_non_positive", "<=", assert_less_equal, False)


def assert_proper_iterable(values: Any) -> None:
    """Raises TypeError for what is not iterable, and for tensors, arrays and strings, which are by accident."""
    if isinstance(values, (Tensor, framework.SparseTensor, np.ndarray, bytes, str)):
        raise TypeError(f'Expected argument "values" to be a "proper" iterable.  Found: {type(values)}')
    if not hasattr(values, "__iter__"):
        raise TypeError(f'Expected argument "values" to be iterable.  Found: {type(values)}')


def assert_integer(x: Any, message: str | None = None, name: str | None = None) -> Any:
    """A no-op. Raises TypeError unless x has an integer dtype."""
    with name_scope(name, "assert_integer", [x]):
        x = convert_to_tensor(x, name="x")
        if not x.dtype.is_integer:
            found = f'Expected "x" to be integer type.  Found: {_shown(x)} of dtype {x.dtype!s}'
            raise TypeError(f"{message or ''}  {found}")
        return control_flow.no_op("statically_determined_was_integer")


def assert_integer_v2(x: Any, message: str | None = None, name: str | None = None) -> None:
    assert_integer(x, message, name)


def assert_type(tensor: Any, tf_type: Any, message: str | None = None, name: str | None = None) -> Any:
    """A no-op. Raises TypeError unless the tensor has this dtype."""
    with name_scope(name, "assert_type", [tensor]):
        tensor = convert_to_tensor(tensor, name="tensor")
        if tensor.dtype != tf_type:
            raise TypeError(f"{message or ''}  {_shown(tensor)} must be of type {tf_type}")
        return control_flow.no_op("statically_determined_correct_type")


def assert_type_v2(tensor: Any, tf_type: Any, message: str | None = None, name: str | None = None) -> None:
    assert_type(tensor, tf_type, message, name)


def assert_scalar(tensor: Any, name: str | None = None, message: str | None = None) -> Tensor:
    """The tensor. Raises ValueError unless its static rank is 0."""
    with name_scope(name, "assert_scalar", [tensor]) as scope:
        tensor = convert_to_tensor(tensor, name=scope)
        if tensor.shape.ndims != 0:
            of = "" if framework.executing_eagerly() else f" for {tensor.name}"
            raise ValueError(f"{message or ''}Expected scalar shape{of}, saw shape: {tensor.shape}.")
        return tensor


def assert_scalar_v2(tensor: Any, message: str | None = None, name: str | None = None) -> None:
    assert_scalar(tensor, name, message)


# ----------------------------------------------------------------------------------------------------------- the rank


def _assert_rank(
    x: Any, ranks: list[Any], holds: Callable, dynamic: Callable, wanted: str, data: Any, summarize: Any, message: Any
) -> Any:
    """An Assert about the rank of x, or a no-op where it is known.

    Args:
      holds: whether a known rank is right, given the known ranks; `dynamic` is the same for tensors.
      wanted: what the message says of the ranks ("rank", "rank at least").
    """
    ranks = [convert_to_tensor(rank, name="rank") for rank in ranks]
    for rank in ranks:
        assert_type(rank, dtypes.int32)
    known = [constant_value(rank) for rank in ranks]
    for value in known:
        if value is not None and value.ndim != 0:
            raise ValueError("Rank must be a scalar.")
    if all(value is not None for value in known) and x.shape.ndims is not None:
        if not holds(x.shape.ndims, [int(value) for value in known]):
            shown = tuple(int(v) for v in known) if wanted == "rank in" else int(known[0])
            of = "" if framework.executing_eagerly() else x.name
            raise ValueError(
                f"{message or ''}.  Tensor {of} must have {wanted} {shown}.  Received rank {x.shape.ndims}, shape "
                f"{x.shape}"
            )
        return control_flow.no_op("static_checks_determined_all_ok")
    if data is None:
        data = [message or "", f"Tensor {_shown(x)} must have {wanted}", *ranks, "Received shape: ", arrays.shape(x)]
    condition = dynamic(arrays.rank(x), ranks)
    for rank, value in zip(ranks, known):
        if value is None:
            scalar = assert_rank(rank, 0, data=["Rank must be a scalar. Received rank: ", rank])
            condition = control_flow.with_dependencies([scalar], condition)
    return control_flow.Assert(condition, data, summarize=summarize)


def _any_equal(actual: Any, ranks: list[Any]) -> Any:
    if not ranks:
        return convert_to_tensor(False)
    found = math.equal(ranks[0], actual)
    for rank in ranks[1:]:
        found = _ops.logical_or(found, math.equal(rank, actual))
    return found


def _tensor(x: Any) -> Any:
    return x if isinstance(x, framework.SparseTensor) else convert_to_tensor(x, name="x")


def assert_rank(
    x: Any, rank: Any, data: Any = None, summarize: Any = None, message: str | None = None, name: str | None = None
) -> Any:
    """An operation that fails unless x has this rank. Raises ValueError where it is known to have another."""
    with name_scope(name, "assert_rank", [x, rank, *(data or [])]):
        return _assert_rank(
            _tensor(x), [rank], lambda actual, given: actual == given[0], lambda a, r: math.equal(a, r[0]), "rank",
            data, summarize, message,
        )  # fmt: skip


def assert_rank_at_least(
    x: Any, rank: Any, data: Any = None, summarize: Any = None, message: str | None = None, name: str | None = None
) -> Any:
    """An operation that fails unless x has at least this rank."""
    with name_scope(name, "assert_rank_at_least", [x, rank, *(data or [])]):
        return _assert_rank(
            _tensor(x), [rank], lambda actual, given: actual >= given[0], lambda a, r: _ops.greater_equal(a, r[0]),
            "rank at least", data, summarize, message,
        )  # fmt: skip


def assert_rank_in(
    x: Any, ranks: Any, data: Any = None, summarize: Any = None, message: str | None = None, name: str | None = None
) -> Any:
    """An operation that fails unless x has one of these ranks."""
    with name_scope(name, "assert_rank_in", [x, *ranks, *(data or [])]):
        return _assert_rank(
            _tensor(x), list(ranks), lambda actual, given: actual in given, _any_equal, "rank in", data, summarize,
            message,
        )  # fmt: skip


def assert_rank_v2(x: Any, rank: Any, message: str | None = None, name: str | None = None) -> Any:
    return assert_rank(x, rank, message=message, name=name)


def assert_rank_at_least_v2(x: Any, rank: Any, message: str | None = None, name: str | None = None) -> Any:
    return assert_rank_at_least(x, rank, message=message, name=name)


def assert_rank_in_v2(x: Any, ranks: Any, message: str | None = None, name: str | None = None) -> Any:
    return assert_rank_in(x, ranks, message=message, name=name)


# ---------------------------------------------------------------------------------------------------------- the dtypes


def assert_same_float_dtype(tensors: Any = None, dtype: Any = None) -> Any:
    """The dtype that all tensors (and `dtype`) have; float32 where nothing is given.

    Raises:
      ValueError: where they differ, or it is not a floating one.
    """
    expected = None if dtype is None else dtypes.as_dtype(dtype)
    first = None
    for item in [t for t in tensors or [] if t is not None]:
        found = item.dtype.base_dtype
        if expected is None:
            expected, first = found, getattr(item, "name", str(item))
        elif found != expected:
            name, as_ = getattr(item, "name", str(item)), f" as {first}" if first else ""
            raise ValueError(f"{name}, type={found!s}, must be of the same type ({expected!s}){as_}.")
    expected = expected or dtypes.float32
    if not expected.is_floating:
        raise ValueError(f"Expected floating point type, got {expected!s}.")
    return expected


def is_numeric_tensor(tensor: Any) -> bool:
    """Whether something is a tensor of numbers (neither bool nor string)."""
    return isinstance(tensor, Tensor) and (
        tensor.dtype.is_floating or tensor.dtype.is_integer or tensor.dtype.is_complex
    )


def _steps(x: Any) -> Tensor:
    """x[1:] - x[:-1] of all elements; empty for fewer than two."""
    x = arrays.reshape(x, [-1])
    if not is_numeric_tensor(x):
        raise TypeError(f"Expected x to be numeric, instead found: {x}")
    return x[1:] - x[:-1]


def is_non_decreasing(x: Any, name: str | None = None) -> Tensor:
    """Whether no element is smaller than the one before it (in row-major order)."""
    with name_scope(name, "is_non_decreasing", [x]):
        steps = _steps(convert_to_tensor(x, name="x"))
        return math.reduce_all(_ops.less_equal(convert_to_tensor(0, steps.dtype), steps))


def is_strictly_increasing(x: Any, name: str | None = None) -> Tensor:
    """Whether each element is larger than the one before it (in row-major order)."""
    with name_scope(name, "is_strictly_increasing", [x]):
        steps = _steps(convert_to_tensor(x, name="x"))
        return math.reduce_all(_ops.less(convert_to_tensor(0, steps.dtype), steps))


# ------------------------------------------------------------------------------------------------------- shapes at once


def _is_number(size: Any) -> bool:
    try:
        return bool(int(size) + 1)
    except (ValueError, TypeError):
        return False


def assert_shapes(
    shapes: Any, data: Any = None, summarize: Any = None, message: str | None = None, name: str | None = None
) -> Any:
    """An operation that fails unless tensors have shapes in which equal symbols stand for equal sizes.

    Args:
      shapes: (tensor, shape) pairs or a dict; a shape's entries are sizes, symbols (any hashable), None or "." for any
        size; a first entry "..." or "*" stands for any number of sizes.
    """
    pairs = list(shapes.items() if isinstance(shapes, dict) else shapes)
    message = message or ""
    with name_scope(name, "assert_shapes", [x for x, _ in pairs]):
        specified: dict[Any, tuple[Any, Tensor, int]] = {}
        ranks, sizes = [], []
        for x, shape in [(convert_to_tensor(x), shape) for x, shape in pairs if shape is not None]:
            symbols, open_ended = _symbols(x, shape, message)
            ranks.append(_rank_assertion(x, len(symbols), open_ended, data, summarize, message))
            actual = _sizes(x, len(symbols))
            for i, symbol in enumerate(symbols):
                if symbol is None or symbol == ".":
                    continue
                at = i - len(symbols) if open_ended else i
                if _is_number(symbol):
                    wanted, why = int(symbol), "Specified explicitly"
                elif symbol in specified:
                    wanted, by, dimension = specified[symbol]
                    why = f"Specified by tensor {_shown(by)} dimension {dimension}"
                else:
                    specified[symbol] = (actual[at], x, at)
                    continue
                check = _size_assertion(x, at, actual[at], wanted, why, data, summarize, message)
                if check is not None:
                    sizes.append(check)
        with framework.control_dependencies([r for r in ranks if r is not None]):
            return control_flow.group(*sizes)


def assert_shapes_v2(
    shapes: Any, data: Any = None, summarize: Any = None, message: str | None = None, name: str | None = None
) -> Any:
    return assert_shapes(shapes, data, summarize, message, name)


def _symbols(x: Tensor, shape: Any, message: str) -> tuple[list[Any], bool]:
    if not hasattr(shape, "__iter__"):
        raise ValueError(
            f"{message}.  Tensor {_shown(x)}.  Specified shape must be an iterable.  An iterable has the attribute "
            f"`__iter__` or `__getitem__`.  Received specified shape: {shape}"
        )
    symbols = list(shape)
    for i, symbol in enumerate(symbols[1:], 1):
        if symbol is Ellipsis or (isinstance(symbol, str) and symbol == "*"):
            raise ValueError(
                f"{message}.  Tensor {_shown(x)} specified shape index {i}.  Symbol `...` or `*` for a variable number "
                "of unspecified dimensions is only allowed as the first entry"
            )
    open_ended = bool(symbols) and (symbols[0] is Ellipsis or (isinstance(symbols[0], str) and symbols[0] == "*"))
    return symbols[1:] if open_ended else symbols, open_ended


def _rank_assertion(x: Tensor, rank: int, open_ended: bool, data: Any, summarize: Any, message: str) -> Any:
    """Of the rank that a shape asks for; a scalar counts as a vector of one element."""
    if open_ended:
        return None if rank <= 1 else assert_rank_at_least(x, rank, data, summarize, message)
    return assert_rank_in(x, [0, 1], data, summarize, message) if rank <= 1 else assert_rank(
        x, rank, data, summarize, message
    )  # fmt: skip


def _sizes(x: Tensor, count: int) -> list[Any]:
    """The sizes of x: numbers where they are known, else tensors. Of a scalar: 1."""
    if x.shape.ndims is None:
        dynamic = arrays.shape(x)
        return [dynamic[i] for i in range(count)]
    if x.shape.ndims == 0:
        return [1]
    return [arrays.shape(x)[i] if s is None else s for i, s in enumerate(x.shape.as_list())]


def _size_assertion(
    x: Tensor, at: int, actual: Any, wanted: Any, why: str, data: Any, summarize: Any, message: str
) -> Any:
    if _is_number(actual) and _is_number(wanted):
        if int(actual) != int(wanted):
            raise ValueError(
                f"{message}.  {why}.  Tensor {_shown(x)} dimension {at} must have size {wanted}.  Received size "
                f"{actual}, shape {x.shape}"
            )
        return None
    if data is None:
        data = [message, why, f"Tensor {_shown(x)} dimension", at, "must have size", wanted]
        data += ["Received shape: ", arrays.shape(x)]
    condition = math.equal(convert_to_tensor(actual), convert_to_tensor(wanted))
    return control_flow.Assert(condition, data, summarize=summarize)
