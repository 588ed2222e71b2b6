"""tensorflow.python.tf2: whether 2.x behaviour is on. By default it is not: this is 1.15."""

from __future__ import annotations

import os

_force_enable: bool | None = None


def enable() -> None:
    global _force_enable
    _force_enable = True


def disable() -> None:
    global _force_enable
    _force_enable = False


def enabled() -> bool:
    """What enable() or disable() last said, else whether $TF2_BEHAVIOR is set to something other than 0."""
    return os.environ.get("TF2_BEHAVIOR", "0") != "0" if _force_enable is None else _force_enable
