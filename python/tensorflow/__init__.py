"""TensorFlow 1.15's API, by Headrace. Names are looked up in the table headrace.api when they are first used."""

import sys as _sys

from headrace import alias as _alias

# Operators of tensors and variables are installed by importing these.
from headrace import arrays as _arrays  # noqa: F401
from headrace import variables as _variables  # noqa: F401

__version__ = VERSION = "1.15.5"
_table_path = ""

_alias.install()


def __getattr__(name: str) -> object:
    return _alias.lookup(_sys.modules[__name__], name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_alias.names_in("")})
