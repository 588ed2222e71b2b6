"""The sessions made default by `with session:`, innermost last, one stack a thread."""

from __future__ import annotations

import threading
from typing import Any


class _Stack(threading.local):
    def __init__(self) -> None:
        self.sessions: list[Any] = []

    def get_default(self) -> Any:
        return self.sessions[-1] if self.sessions else None

    def reset(self) -> None:
        self.sessions = []

    def is_cleared(self) -> bool:
        return not self.sessions


_stack = _default_session_stack = _Stack()


def get_default_session() -> Any:
    """The innermost session made default by `with session:` in this thread, else None."""
    return _stack.sessions[-1] if _stack.sessions else None


class Default:
    """The context in which `session` is the default one."""

    def __init__(self, session: Any, enforce_nesting: bool = True) -> None:
        self._session, self._enforce_nesting = session, enforce_nesting

    def __enter__(self) -> Any:
        _stack.sessions.append(self._session)
        return self._session

    def __exit__(self, *error: object) -> None:
        """Raises AssertionError where another session that was entered later is still the default."""
        if not self._enforce_nesting:
            _stack.sessions.reverse()
            _stack.sessions.remove(self._session)  # the innermost one that is this session
            _stack.sessions.reverse()
        elif _stack.sessions and _stack.sessions[-1] is self._session:
            _stack.sessions.pop()
        elif self._session in _stack.sessions:
            raise AssertionError(f"Nesting violated for default stack of {type(self._session)} objects")
