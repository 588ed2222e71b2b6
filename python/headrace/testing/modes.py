"""The two modes in which a test may run, graph and eager, as context managers."""

from __future__ import annotations

import contextlib
import importlib.util
from typing import Any


def eager_mode() -> Any:
    """A block in which ops run at once; None while Headrace has no such mode."""
    if importlib.util.find_spec("headrace.context") is None:
        return None
    from headrace import context

    return context.eager_mode()


def graph_mode() -> Any:
    """A block in which ops are added to the default graph."""
    if importlib.util.find_spec("headrace.context") is None:
        return contextlib.nullcontext()
    from headrace import context

    return context.graph_mode()
