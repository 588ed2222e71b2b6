"""Initializers: what a variable's value is at first. Each is one C++ function; subclasses may define __call__."""

from __future__ import annotations

from typing import Any

from headrace import _core, dtypes


class Initializer:
    """Base class: called with (shape, dtype), gives a tensor. Subclass it and define __call__ for one of your own."""

    dtype: Any = dtypes.float32

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None, **_: Any) -> Any:
        return self._native(shape, dtypes.as_dtype(dtype or self.dtype))

    def get_config(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if not key.startswith("_")}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Initializer:
        return cls(**config)


class Zeros(Initializer):
    """Zeros."""

    def __init__(self, dtype: Any = dtypes.float32) -> None:
        self.dtype = dtypes.as_dtype(dtype)
        self._native = _core.zeros_initializer()


class Ones(Initializer):
    """Ones."""

    def __init__(self, dtype: Any = dtypes.float32) -> None:
        self.dtype = dtypes.as_dtype(dtype)
        self._native = _core.ones_initializer()


class Constant(Initializer):
    """One value everywhere, or an array that is given the variable's shape."""

    def __init__(self, value: Any = 0, dtype: Any = dtypes.float32, verify_shape: bool = False) -> None:
        self.value, self.dtype = value, dtypes.as_dtype(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None, **_: Any) -> Any:
        return _core.constant(self.value, dtype or self.dtype, shape)


class RandomUniform(Initializer):
    """Uniform in [minval, maxval)."""

    def __init__(self, minval: float = 0, maxval: float = 1, seed: Any = None, dtype: Any = dtypes.float32) -> None:
        self.minval, self.maxval, self.seed, self.dtype = minval, maxval, seed, dtypes.as_dtype(dtype)
        self._native = _core.random_uniform_initializer(minval, 1 if maxval is None else maxval, seed)


class RandomNormal(Initializer):
    """Normal with this mean and standard deviation."""

    def __init__(self, mean: float = 0.0, stddev: float = 1.0, seed: Any = None, dtype: Any = dtypes.float32) -> None:
        self.mean, self.stddev, self.seed, self.dtype = mean, stddev, seed, dtypes.as_dtype(dtype)
        self._native = _core.random_normal_initializer(mean, stddev, seed)


class TruncatedNormal(Initializer):
    """Normal, redrawn where more than two standard deviations from the mean."""

    def __init__(self, mean: float = 0.0, stddev: float = 1.0, seed: Any = None, dtype: Any = dtypes.float32) -> None:
        self.mean, self.stddev, self.seed, self.dtype = mean, stddev, seed, dtypes.as_dtype(dtype)
        self._native = _core.truncated_normal_initializer(mean, stddev, seed)


class VarianceScaling(Initializer):
    """Random with a variance that suits the number of inputs and outputs of a layer."""

    def __init__(
        self, scale: float = 1.0, mode: str = "fan_in", distribution: str = "truncated_normal", seed: Any = None,
        dtype: Any = dtypes.float32,
    ) -> None:  # fmt: skip
        self.scale, self.mode, self.distribution, self.seed = scale, mode, distribution, seed
        self.dtype = dtypes.as_dtype(dtype)
        self._native = _core.variance_scaling_initializer(scale, mode, distribution, seed)


def _scaled(name: str, scale: float, mode: str, distribution: str, doc: str) -> type:
    def __init__(self: Any, seed: Any = None, dtype: Any = dtypes.float32) -> None:
        VarianceScaling.__init__(self, scale, mode, distribution, seed, dtype)

    def get_config(self: Any) -> dict[str, Any]:
        return {"seed": self.seed, "dtype": self.dtype.name}

    return type(name, (VarianceScaling,), {"__init__": __init__, "get_config": get_config, "__doc__": doc})


GlorotUniform = _scaled("GlorotUniform", 1.0, "fan_avg", "uniform", "Glorot and Bengio 2010, uniform: the default.")
GlorotNormal = _scaled("GlorotNormal", 1.0, "fan_avg", "truncated_normal", "Glorot and Bengio 2010, normal.")
LecunUniform = _scaled("LecunUniform", 1.0, "fan_in", "uniform", "LeCun 1998, uniform.")
LecunNormal = _scaled("LecunNormal", 1.0, "fan_in", "truncated_normal", "LeCun 1998, normal.")
HeUniform = _scaled("HeUniform", 2.0, "fan_in", "uniform", "He et al. 2015, uniform.")
HeNormal = _scaled("HeNormal", 2.0, "fan_in", "truncated_normal", "He et al. 2015, normal.")

_BY_NAME = {
    "zeros": Zeros, "ones": Ones, "constant": Constant, "random_uniform": RandomUniform, "random_normal": RandomNormal,
    "truncated_normal": TruncatedNormal, "glorot_uniform": GlorotUniform, "glorot_normal": GlorotNormal,
    "lecun_uniform": LecunUniform, "lecun_normal": LecunNormal, "he_uniform": HeUniform, "he_normal": HeNormal,
    "uniform": RandomUniform, "normal": RandomNormal,
}  # fmt: skip


def get(identifier: Any) -> Any:
    """An initializer from itself, its class, its name or a function."""
    if identifier is None or (callable(identifier) and not isinstance(identifier, type)):
        return identifier
    if isinstance(identifier, type):
        return identifier()
    if identifier in _BY_NAME:
        return _BY_NAME[identifier]()
    raise ValueError(f"Could not interpret initializer identifier: {identifier!r}; known are {sorted(_BY_NAME)}")
