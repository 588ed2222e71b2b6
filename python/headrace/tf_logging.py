"""tf.logging: the logger "tensorflow" of Python's logging, on stderr as "INFO:tensorflow:message"."""

from __future__ import annotations

import logging as _logging
import sys
from typing import Any

DEBUG, INFO, WARN, ERROR, FATAL = 10, 20, 30, 40, 50

_counts: dict[Any, int] = {}


def get_logger() -> _logging.Logger:
    """The logger; made with a stderr handler unless the program has configured logging itself."""
    logger = _logging.getLogger("tensorflow")
    if not getattr(logger, "_headrace", False):
        logger._headrace = True  # type: ignore[attr-defined]
        if logger.level == _logging.NOTSET:
            logger.setLevel(WARN)
        if not _logging.getLogger().handlers:
            handler = _StderrHandler()
            handler.setFormatter(_logging.Formatter(_logging.BASIC_FORMAT))
            logger.addHandler(handler)
            logger.propagate = False
    return logger


class _StderrHandler(_logging.StreamHandler):
    """Writes to what sys.stderr is at the moment, so that capturing it works."""

    def __init__(self) -> None:
        _logging.Handler.__init__(self)

    @property
    def stream(self) -> Any:
        return sys.stderr


def log(level: int, msg: Any, *args: Any, **kwargs: Any) -> None:
    get_logger().log(level, msg, *args, **kwargs)


def debug(msg: Any, *args: Any, **kwargs: Any) -> None:
    get_logger().debug(msg, *args, **kwargs)


def info(msg: Any, *args: Any, **kwargs: Any) -> None:
    get_logger().info(msg, *args, **kwargs)


def warning(msg: Any, *args: Any, **kwargs: Any) -> None:
    get_logger().warning(msg, *args, **kwargs)


warn = warning


def error(msg: Any, *args: Any, **kwargs: Any) -> None:
    get_logger().error(msg, *args, **kwargs)


def fatal(msg: Any, *args: Any, **kwargs: Any) -> None:
    get_logger().fatal(msg, *args, **kwargs)


def vlog(level: int, msg: Any, *args: Any, **kwargs: Any) -> None:
    get_logger().log(level, msg, *args, **kwargs)


def log_if(level: int, msg: Any, condition: Any, *args: Any) -> None:
    if condition:
        vlog(level, msg, *args)


def log_every_n(level: int, msg: Any, n: int, *args: Any) -> None:
    """Logs the first and then every n-th call from one line of the program."""
    caller = sys._getframe(1)
    place = (caller.f_code.co_filename, caller.f_lineno)
    count = _counts.get(place, 0)
    _counts[place] = count + 1
    log_if(level, msg, count % n == 0, *args)


def log_first_n(level: int, msg: Any, n: int, *args: Any) -> None:
    caller = sys._getframe(1)
    place = (caller.f_code.co_filename, caller.f_lineno)
    count = _counts.get(place, 0)
    _counts[place] = count + 1
    log_if(level, msg, count < n, *args)


def get_verbosity() -> int:
    return get_logger().getEffectiveLevel()


def set_verbosity(v: int) -> None:
    """Shows messages of this level and above: tf.logging.INFO, …"""
    get_logger().setLevel(v)


def flush() -> None:
    sys.stderr.flush()


def TaskLevelStatusMessage(msg: Any) -> None:  # noqa: N802
    error(msg)
