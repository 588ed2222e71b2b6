"""Order and grouping of operations."""

from __future__ import annotations

from typing import Any

from headrace import _core, _ops
from headrace.framework import IndexedSlices, Operation, Tensor, control_dependencies, name_scope


def no_op(name: str | None = None) -> Operation:
    return _ops.no_op(name=name)


def group(*inputs: Any, name: str | None = None) -> Operation:
    """An operation that has run when all inputs have."""
    flat: list[Any] = []

    def collect(item: Any) -> None:
        if isinstance(item, (list, tuple)):
            for part in item:
                collect(part)
        elif item is not None:
            if not isinstance(item, (Tensor, Operation, IndexedSlices, _core.Variable)) and not hasattr(item, "op"):
                raise TypeError(f"Expected tf.group() expected Tensor objects not None or {type(item)}: {item!r}")
            flat.append(item)

    collect(inputs)
    with name_scope(name, "group_deps", flat) as scope, control_dependencies(flat):
        return _ops.no_op(name=scope)


def tuple_(tensors: Any, name: str | None = None, control_inputs: Any = None) -> list[Any]:
    """The same tensors, none of which is available before all of them are."""
    with name_scope(name, "tuple", [t for t in tensors if t is not None]):
        present = [t.op if hasattr(t, "op") else t for t in tensors if t is not None]
        gate = [group(*present, *(control_inputs or []))]
        with control_dependencies(gate):
            return [None if t is None else _identity(t) for t in tensors]


def _identity(t: Any) -> Any:
    if isinstance(t, IndexedSlices):
        return IndexedSlices(_ops.identity(t.values), _ops.identity(t.indices), t.dense_shape)
    return _ops.identity(t)


def with_dependencies(dependencies: Any, output_tensor: Any, name: str | None = None) -> Any:
    with name_scope(name, "control_dependency", [*dependencies, output_tensor]) as scope:
        with control_dependencies(dependencies):
            return _ops.identity(output_tensor, name=scope)


def Print(  # noqa: N802
    input_: Any, data: Any, message: str | None = None, first_n: int | None = None, summarize: int | None = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """`input_`, which prints `message` and `data` to stderr whenever it is computed."""
    return _ops.print(
        input_, data, message=message or "", first_n=-1 if first_n is None else first_n,
        summarize=3 if summarize is None else summarize, name=name,
    )  # fmt: skip


def Assert(condition: Any, data: Any, summarize: int | None = None, name: str | None = None) -> Operation:  # noqa: N802
    """An operation that fails with `data` unless the condition holds."""
    return _ops.assert_(condition, data, summarize=3 if summarize is None else summarize, name=name or "Assert")
