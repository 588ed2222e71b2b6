"""tf.contrib.training.HParams: named values whose types are fixed when they are added."""

from __future__ import annotations

import json
import re
from typing import Any


class HParams:
    """Hyperparameters, read as attributes.

    >>> import tensorflow as tf
    >>> hparams = tf.contrib.training.HParams(learning_rate=0.1, layers=[64, 8])
    >>> hparams.parse("learning_rate=0.01,layers=[4,2]").layers
    [4, 2]
    """

    def __init__(self, hparam_def: Any = None, model_structure: Any = None, **kwargs: Any) -> None:
        self.__dict__["_types"] = {}
        self.__dict__["_model_structure"] = model_structure
        for name, value in kwargs.items():
            self.add_hparam(name, value)

    def add_hparam(self, name: str, value: Any) -> None:
        """Adds one; its type is that of the value, a list's that of the first element.

        Raises:
          ValueError: if there is one of this name, or the list is empty.
        """
        if getattr(self, name, None) is not None:
            raise ValueError(f"Hyperparameter name is reserved: {name}")
        if isinstance(value, (list, tuple)):
            if not value:
                raise ValueError(f"Multi-valued hyperparameters cannot be empty: {name}")
            self._types[name] = (type(value[0]), True)
        else:
            self._types[name] = (type(value), False)
        self.__dict__[name] = value

    def set_hparam(self, name: str, value: Any) -> None:
        """Changes one. Raises ValueError where the value has another type, or is a list and must not be."""
        kind, is_list = self._types[name]
        if isinstance(value, list) != is_list:
            rule = "Must pass a list for multi-valued" if is_list else "Must not pass a list for single-valued"
            raise ValueError(f"{rule} parameter: {name}")
        self.__dict__[name] = [_cast(name, kind, v) for v in value] if is_list else _cast(name, kind, value)

    def __setattr__(self, name: str, value: Any) -> None:
        self.__dict__[name] = value

    def del_hparam(self, name: str) -> None:
        if name in self._types:
            del self._types[name]
            del self.__dict__[name]

    def parse(self, values: str) -> HParams:
        """Changes those that a text "name=value,list=[1,2],list[0]=3" names; returns the same object."""
        position = 0
        clause = re.compile(
            r"(?P<name>[a-zA-Z][\w.]*)(\[(?P<index>\d+)\])?\s*=\s*(\[(?P<many>[^\]]*)\]|(?P<one>[^,\[]*))(,\s*|$)"
        )
        while position < len(values):
            match = clause.match(values, position)
            if match is None:
                raise ValueError(f"Malformed hyperparameter value: {values[position:]}")
            position = match.end()
            name = match["name"]
            if name not in self._types:
                raise ValueError(f"Unknown hyperparameter type for {name}")
            kind, is_list = self._types[name]
            if match["many"] is not None:
                if not is_list:
                    raise ValueError(f"Must not pass a list for single-valued parameter: {name}")
                pieces = [p for p in re.split(r"[ ,]+", match["many"].strip()) if p]
                self.__dict__[name] = [_read(name, kind, p) for p in pieces]
            elif match["index"] is not None:
                self.__dict__[name] = list(self.__dict__[name])
                self.__dict__[name][int(match["index"])] = _read(name, kind, match["one"])
            elif is_list:
                self.__dict__[name] = [_read(name, kind, match["one"])]
            else:
                self.__dict__[name] = _read(name, kind, match["one"])
        return self

    def override_from_dict(self, values_dict: dict[str, Any]) -> HParams:
        for name, value in values_dict.items():
            self.set_hparam(name, value)
        return self

    def values(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self._types}

    def get(self, key: str, default: Any = None) -> Any:
        return getattr(self, key) if key in self._types else default

    def to_json(self, indent: Any = None, separators: Any = None, sort_keys: bool = False) -> str:
        return json.dumps(self.values(), indent=indent, separators=separators, sort_keys=sort_keys)

    def parse_json(self, values_json: str) -> HParams:
        return self.override_from_dict(json.loads(values_json))

    def __contains__(self, key: str) -> bool:
        return key in self._types

    def __str__(self) -> str:
        return str(sorted(self.values().items()))

    def __repr__(self) -> str:
        return f"HParams({self})"


def _read(name: str, kind: type, text: str) -> Any:
    text = text.strip()
    if kind is bool:
        if text.lower() in ("true", "1"):
            return True
        if text.lower() in ("false", "0"):
            return False
        raise ValueError(f"Could not parse hparam '{name}' of type 'bool' with value '{text}'")
    try:
        return text if kind is type(None) else kind(text)
    except ValueError:
        raise ValueError(f"Could not parse hparam '{name}' of type '{kind.__name__}' with value '{text}'") from None


def _cast(name: str, kind: type, value: Any) -> Any:
    """A value as the type of a hyperparameter; an integer becomes a float, nothing becomes something else."""
    fits = isinstance(value, kind) or value is None or kind is type(None)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not fits or (isinstance(value, bool) and kind is not bool):
        raise ValueError(f"Could not cast hparam '{name}' of type '{kind.__name__}' from value {value!r}")
    return value
