"""The two modes in which a test may run, graph and eager, as context managers."""

from __future__ import annotations

from typing import Any

from headrace import context


def eager_mode() -> Any:
    """A block in which ops run at once."""
    return context.eager_mode()


def graph_mode() -> Any:
    """A block in which ops are added to the default graph."""
    return context.graph_mode()
