"""tensorflow.python.eager.core: how the status of an op that failed becomes an error."""

from __future__ import annotations

from headrace import errors


class _NotOkStatusException(Exception):  # noqa: N818
    """A code of tf.errors with its message, before it is an error of the code's class."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__()
        self.message, self.code = message, code

    def __str__(self) -> str:
        kind = _status_to_exception(self.code, self.message)
        return f"{type(kind).__name__}: {kind}"


def _status_to_exception(code: int, message: str) -> Exception:
    try:
        return errors.exception_type_from_error_code(code)(None, None, message)
    except KeyError:
        return errors.UnknownError(None, None, message, code)
