"""tensorflow.python.tf2: whether 2.x behaviour is on. It is not: this is 1.15."""

from __future__ import annotations

_enabled = False


def enable() -> None:
    global _enabled
    _enabled = True


def disable() -> None:
    global _enabled
    _enabled = False


def enabled() -> bool:
    return _enabled
