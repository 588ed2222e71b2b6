"""tf.app.run and tf.app.flags: absl's, with TensorFlow 1.15's tolerance. Flags are parsed from the command line when
one is first read, and what is no flag of the program is left to it."""

from __future__ import annotations

import functools
import sys
from typing import Any

from absl import app as _app
from absl import flags as _flags

# What 1.x's own flags called their parameters.
_OLD_NAMES = {"flag_name": "name", "default_value": "default", "docstring": "help"}


class _FlagValues:
    """absl's FLAGS, which parses sys.argv by itself."""

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("__") and not _flags.FLAGS.is_parsed():
            _flags.FLAGS(sys.argv, known_only=True)
        return getattr(_flags.FLAGS, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(_flags.FLAGS, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(_flags.FLAGS, name)

    def __dir__(self) -> Any:
        return dir(_flags.FLAGS)

    def __getitem__(self, name: str) -> Any:
        return _flags.FLAGS[name]

    def __setitem__(self, name: str, flag: Any) -> None:
        _flags.FLAGS[name] = flag

    def __iter__(self) -> Any:
        return iter(_flags.FLAGS)

    def __len__(self) -> int:
        return len(_flags.FLAGS)

    def __contains__(self, name: str) -> bool:
        return name in _flags.FLAGS

    def __call__(self, argv: Any, known_only: bool = False) -> Any:
        return _flags.FLAGS(argv, known_only)


FLAGS = _FlagValues()


def _define(define: Any) -> Any:
    @functools.wraps(define)
    def function(*args: Any, **kwargs: Any) -> Any:
        return define(*args, **{_OLD_NAMES.get(name, name): value for name, value in kwargs.items()})

    return function


DEFINE_string = _define(_flags.DEFINE_string)
DEFINE_boolean = _define(_flags.DEFINE_boolean)
DEFINE_bool = DEFINE_boolean
DEFINE_float = _define(_flags.DEFINE_float)
DEFINE_integer = _define(_flags.DEFINE_integer)


def __getattr__(name: str) -> Any:
    """Everything else of tf.app.flags is absl's own."""
    return getattr(_flags, name)


def run(main: Any = None, argv: list[str] | None = None) -> None:
    """Parses the flags, calls main(argv) and exits with what it returns.

    Args:
      main: a function of the arguments that are no flags of the program; by default `main` of the program.
    """
    main = main or sys.modules["__main__"].main

    def parse(arguments: list[str]) -> Any:
        return _flags.FLAGS(sys.argv if arguments is None else arguments, known_only=True)

    _app.run(main=main, argv=argv, flags_parser=parse)
