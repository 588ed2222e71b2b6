"""tf.data.Options: what a program may ask of its input pipelines, each option with its type.

Headrace decides most of this itself; what it does not honour is kept, so that programs read back what they set. An
option that does not exist, or of another type, is refused.
"""

from __future__ import annotations

from typing import Any


def create_option(name: str, ty: Any, docstring: str, default_factory: Any = lambda: None) -> property:
    """A property of an options class, whose values are of the type `ty` (or one of a tuple of types)."""

    def get(self: Any) -> Any:
        if name not in self._options:
            self._options[name] = default_factory()
        return self._options[name]

    def set_(self: Any, value: Any) -> None:
        if not isinstance(value, ty):
            raise TypeError(f'Property "{name}" must be of type {ty}, got: {value!r} (type: {type(value)!r})')
        self._options[name] = value

    return property(get, set_, None, docstring)


class OptionsBase:
    """A set of options. Setting one that it does not have raises AttributeError."""

    def __init__(self) -> None:
        object.__setattr__(self, "_options", {})

    def __setattr__(self, name: str, value: Any) -> None:
        if not hasattr(self, name):
            raise AttributeError(f"Cannot set the property {name} on {type(self).__name__}.")
        object.__setattr__(self, name, value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, type(self)):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in {*self._options, *other._options})

    __hash__ = None  # type: ignore[assignment]


def merge_options(*options_list: Any) -> Any:
    """One set out of several of a class; of an option set twice, both values must be equal.

    Raises:
      TypeError: for sets of different classes. ValueError: for an option with two values.
    """
    if not options_list:
        raise ValueError("At least one options should be provided")
    kind = type(options_list[0])
    if any(not isinstance(options, kind) for options in options_list):
        raise TypeError(f"Could not merge incompatible options of type {kind} and {type(options_list[-1])}.")
    if not issubclass(kind, OptionsBase):
        raise TypeError(f"All options to be merged should be instances of a subclass of {OptionsBase}.")
    merged = kind()
    for options in options_list:
        for name, value in options._options.items():
            mine, default = getattr(merged, name), getattr(kind(), name)
            if value is None or mine == value:
                continue
            if mine is None or mine == default:
                setattr(merged, name, value)
            elif isinstance(mine, OptionsBase):
                setattr(merged, name, merge_options(mine, value))
            elif isinstance(mine, list):
                setattr(merged, name, sorted({*mine, *value}))
            elif value != default:
                raise ValueError(f"Cannot merge incompatible values ({mine} and {value}) of option: {name}")
    return merged


def _options(class_name: str, doc: str, **options: Any) -> type:
    """A class of options, each with its type and perhaps a default: name=type or name=(type, factory)."""
    members: dict[str, Any] = {"__doc__": doc, "__module__": __name__}
    for name, option in options.items():
        kind, factory = option if isinstance(option, tuple) else (option, lambda: None)
        members[name] = create_option(name, kind, f"Of type {kind.__name__}.", factory)
    return type(class_name, (OptionsBase,), members)


MapVectorizationOptions = _options(
    "MapVectorizationOptions", "Whether maps run on batches.", enabled=bool, use_choose_fastest=bool
)
OptimizationOptions = _options(
    "OptimizationOptions", "Rewrites of the pipeline.", apply_default_optimizations=bool, autotune=bool,
    autotune_algorithm=int, autotune_buffers=bool, autotune_cpu_budget=int, filter_fusion=bool,
    filter_with_random_uniform_fusion=bool, hoist_random_uniform=bool, map_and_batch_fusion=bool,
    map_and_filter_fusion=bool, map_fusion=bool, map_parallelization=bool,
    map_vectorization=(MapVectorizationOptions, MapVectorizationOptions), noop_elimination=bool, parallel_batch=bool,
    shuffle_and_repeat_fusion=bool,
)  # fmt: skip
ThreadingOptions = _options(
    "ThreadingOptions", "Threads of the pipeline.", max_intra_op_parallelism=int, private_threadpool_size=int
)
StatsOptions = _options(
    "StatsOptions", "Statistics of the pipeline.", aggregator=object, prefix=(str, str), counter_prefix=(str, str),
    latency_all_edges=bool,
)  # fmt: skip
DistributeOptions = _options("DistributeOptions", "How workers share files.", auto_shard=bool, num_devices=int)
Options = _options(
    "Options", "What Dataset.with_options takes.", experimental_deterministic=bool,
    experimental_distribute=(DistributeOptions, DistributeOptions),
    experimental_optimization=(OptimizationOptions, OptimizationOptions), experimental_slack=bool,
    experimental_stats=(StatsOptions, StatsOptions), experimental_threading=(ThreadingOptions, ThreadingOptions),
    experimental_stateful_whitelist=list,
)  # fmt: skip
Options.merge = lambda self, options: merge_options(self, options)  # type: ignore[attr-defined]
