"""tf.app.run and tf.app.flags: the program's entry and its command-line flags."""

from __future__ import annotations

import argparse
import sys
from typing import Any


class FlagValues:
    """The flags by name; parsed from the command line when one is first read."""

    def __init__(self) -> None:
        self.__dict__["_parser"] = argparse.ArgumentParser(allow_abbrev=False)
        self.__dict__["_values"] = None
        self.__dict__["_defaults"] = {}
        self.__dict__["_booleans"] = set()

    def _parse(self, argv: list[str] | None = None) -> list[str]:
        arguments = [self._spelled_out(a) for a in (sys.argv if argv is None else argv)[1:]]
        values, rest = self._parser.parse_known_args(arguments)
        self.__dict__["_values"] = values
        return rest

    def _spelled_out(self, argument: str) -> str:
        """--flag and --noflag of boolean flags as --flag=true and --flag=false."""
        name = argument.lstrip("-")
        if argument.startswith("-") and name in self._booleans:
            return f"--{name}=true"
        if argument.startswith("-") and name.startswith("no") and name[2:] in self._booleans:
            return f"--{name[2:]}=false"
        return argument

    def __call__(self, argv: list[str], known_only: bool = False) -> list[str]:
        return argv[:1] + self._parse(argv)

    def __getattr__(self, name: str) -> Any:
        if self._values is None or not hasattr(self._values, name):
            self._parse()
        try:
            return getattr(self._values, name)
        except AttributeError:
            raise AttributeError(f"no flag --{name} is defined; defined are {sorted(self._defaults)}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        if self._values is None:
            self._parse()
        setattr(self._values, name, value)

    def __iter__(self) -> Any:
        return iter(sorted(self._defaults))

    def __contains__(self, name: str) -> bool:
        return name in self._defaults

    def flag_values_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self._defaults}


FLAGS = FlagValues()


def _define(name: str, default: Any, doc: str, **options: Any) -> None:
    FLAGS._defaults[name] = default
    FLAGS._parser.add_argument(f"--{name}", default=default, help=(doc or "").replace("%", "%%"), **options)
    FLAGS.__dict__["_values"] = None


def DEFINE_string(name: str, default: Any, help: str = "", **_: Any) -> None:  # noqa: N802, A002
    _define(name, default, help, type=str)


def DEFINE_integer(name: str, default: Any, help: str = "", **_: Any) -> None:  # noqa: N802, A002
    _define(name, default, help, type=int)


def DEFINE_float(name: str, default: Any, help: str = "", **_: Any) -> None:  # noqa: N802, A002
    _define(name, default, help, type=float)


def _boolean(text: str) -> bool:
    if text.lower() in ("true", "t", "1", "yes"):
        return True
    if text.lower() in ("false", "f", "0", "no"):
        return False
    raise argparse.ArgumentTypeError(f"expected true or false, got {text!r}")


def DEFINE_boolean(name: str, default: Any, help: str = "", **_: Any) -> None:  # noqa: N802, A002
    FLAGS._booleans.add(name)
    _define(name, default, help, type=_boolean)


DEFINE_bool = DEFINE_boolean


def DEFINE_list(name: str, default: Any, help: str = "", **_: Any) -> None:  # noqa: N802, A002
    _define(name, default, help, type=lambda text: text.split(","))


def DEFINE_enum(name: str, default: Any, enum_values: Any, help: str = "", **_: Any) -> None:  # noqa: N802, A002
    _define(name, default, help, choices=list(enum_values))


def mark_flag_as_required(name: str) -> None:
    for action in FLAGS._parser._actions:
        if action.dest == name:
            action.required = True


def run(main: Any = None, argv: list[str] | None = None) -> None:
    """Parses the flags, calls main(argv) and exits with what it returns."""
    argv = sys.argv if argv is None else argv
    rest = FLAGS._parse(argv)
    main = main or sys.modules["__main__"].main
    sys.exit(main(argv[:1] + rest))
