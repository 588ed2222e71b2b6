"""tensorflow.python.framework.traceable_stack: a stack of objects that know where they were pushed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any


class TraceableObject:
    """An object with a file and a line."""

    SUCCESS, HEURISTIC_USED, FAILURE = range(3)

    def __init__(self, obj: Any, filename: str | None = None, lineno: int | None = None) -> None:
        self.obj, self.filename, self.lineno = obj, filename, lineno

    def set_filename_and_line_from_caller(self, offset: int = 0) -> int:
        """Notes where the caller is, or `offset` calls further out; the outermost call where there are not so many.

        Returns:
          SUCCESS, or HEURISTIC_USED for the outermost call.
        """
        frame = sys._getframe(1)
        for _ in range(offset):
            if frame.f_back is None:
                self.filename, self.lineno = frame.f_code.co_filename, frame.f_lineno
                return self.HEURISTIC_USED
            frame = frame.f_back
        self.filename, self.lineno = frame.f_code.co_filename, frame.f_lineno
        return self.SUCCESS

    def copy_metadata(self) -> TraceableObject:
        return type(self)(None, self.filename, self.lineno)


class TraceableStack:
    """The objects, innermost last."""

    def __init__(self, existing_stack: list[TraceableObject] | None = None) -> None:
        self._stack = list(existing_stack or [])

    def push_obj(self, obj: Any, offset: int = 0) -> int:
        pushed = TraceableObject(obj)
        self._stack.append(pushed)
        return pushed.set_filename_and_line_from_caller(offset + 1)

    def pop_obj(self) -> Any:
        return self._stack.pop().obj

    def peek_top_obj(self) -> Any:
        return self._stack[-1].obj

    def peek_objs(self) -> Iterator[Any]:
        return (item.obj for item in reversed(self._stack))

    def peek_traceable_objs(self) -> Iterator[TraceableObject]:
        return reversed(self._stack)

    def __len__(self) -> int:
        return len(self._stack)

    def copy(self) -> TraceableStack:
        return TraceableStack(self._stack)
