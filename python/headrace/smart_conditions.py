"""tensorflow.python.framework.smart_cond: conditionals decided at once where the condition is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from headrace import framework


def _public(name: str) -> Callable:
    """tf.cond or tf.case."""
    from headrace import absent, alias

    try:
        return alias._public("", name)
    except LookupError:
        raise NotImplementedError(absent.explain("tf", "", name)) from None


def smart_constant_value(pred: Any) -> bool | None:
    """Whether a condition (bool, 0, 1 or a tensor) holds, None if that is known only in a run."""
    if isinstance(pred, int) and pred in (0, 1):
        return bool(pred)
    if framework.is_tensor(pred):
        value = framework.constant_value(pred)
        return None if value is None else bool(value)
    raise TypeError(f"`pred` must be a Tensor, or a Python bool, or 1 or 0. Found instead: {type(pred)}")


def smart_cond(pred: Any, true_fn: Any = None, false_fn: Any = None, name: str | None = None) -> Any:
    """What one of two functions gives; tf.cond of both where the condition is not known."""
    if not callable(true_fn):
        raise TypeError("`true_fn` must be callable.")
    if not callable(false_fn):
        raise TypeError("`false_fn` must be callable.")
    value = smart_constant_value(pred)
    if value is not None:
        return true_fn() if value else false_fn()
    return _public("cond")(pred, true_fn=true_fn, false_fn=false_fn, name=name)


def smart_case(
    pred_fn_pairs: Any, default: Callable | None = None, exclusive: bool = False, name: str = "smart_case"
) -> Any:
    """What the function of the first condition that holds gives; tf.case where that is not known."""
    pairs = list(pred_fn_pairs.items() if isinstance(pred_fn_pairs, dict) else pred_fn_pairs)
    open_ = []
    for pred, function in pairs:
        value = smart_constant_value(pred)
        if value is None:
            open_.append((pred, function))
        elif value and not open_:
            return function()
        elif value:
            return _public("case")(open_, default=function, exclusive=exclusive, name=name)
    if not open_:
        if default is None:
            raise ValueError("No condition holds, and there is no default.")
        return default()
    return _public("case")(open_, default=default, exclusive=exclusive, name=name)
