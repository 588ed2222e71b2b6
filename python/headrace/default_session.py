"""The sessions made default by `with session:`, innermost last, one stack a thread."""

from __future__ import annotations

import threading
from typing import Any


class _Stack(threading.local):
    def __init__(self) -> None:
        self.sessions: list[Any] = []


_stack = _Stack()


def get_default_session() -> Any:
    """The innermost session made default by `with session:` in this thread, else None."""
    return _stack.sessions[-1] if _stack.sessions else None


class Default:
    """The context in which `session` is the default one."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def __enter__(self) -> Any:
        _stack.sessions.append(self._session)
        return self._session

    def __exit__(self, *error: object) -> None:
        _stack.sessions.remove(self._session)
