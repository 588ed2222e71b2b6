"""tf.estimator.RunConfig: how an estimator runs, and which task of a cluster this process is."""

from __future__ import annotations

import copy
import os
from typing import Any

from headrace import _core
from headrace.refusal import refuse

_UNSET = object()
_BOTH = "`save_checkpoints_steps` and `save_checkpoints_secs` cannot be both set."

# What C++ takes of it.
_NATIVE = (
    "model_dir", "tf_random_seed", "save_summary_steps", "save_checkpoints_steps", "save_checkpoints_secs",
    "keep_checkpoint_max", "keep_checkpoint_every_n_hours", "log_step_count_steps",
)  # fmt: skip


def _is_config_proto(value: Any) -> bool:
    from headrace.protos import config_pb2

    return isinstance(value, config_pb2.ConfigProto)


def _takes_op(function: Any) -> bool:
    import inspect

    return callable(function) and list(inspect.signature(function).parameters) == ["op"]


# What a value that is given must be, and what is said of one that is not.
_CHECKS: dict[str, tuple[Any, str]] = {
    "model_dir": (bool, "model_dir should be non-empty"),
    "save_summary_steps": (lambda n: n >= 0, "save_summary_steps should be >= 0"),
    "save_checkpoints_steps": (lambda n: n >= 0, "save_checkpoints_steps should be >= 0"),
    "save_checkpoints_secs": (lambda n: n >= 0, "save_checkpoints_secs should be >= 0"),
    "session_config": (_is_config_proto, "session_config must be instance of ConfigProto"),
    "keep_checkpoint_max": (lambda n: n >= 0, "keep_checkpoint_max should be >= 0"),
    "keep_checkpoint_every_n_hours": (lambda n: n > 0, "keep_checkpoint_every_n_hours should be > 0"),
    "log_step_count_steps": (lambda n: n > 0, "log_step_count_steps should be > 0"),
    "tf_random_seed": (lambda seed: isinstance(seed, int), "tf_random_seed must be integer."),
    "experimental_max_worker_delay_secs": (
        lambda delay: isinstance(delay, int),
        "experimental_max_worker_delay_secs must be an integer if set.",
    ),
    "session_creation_timeout_secs": (lambda secs: secs > 0, "session_creation_timeout_secs should be > 0"),
    "device_fn": (_takes_op, 'device_fn must be callable with exactly one argument "op".'),
    "protocol": (lambda protocol: protocol in ("grpc", "grpc+verbs"), "protocol should be grpc or grpc+verbs"),
}


class TaskType:
    """The kinds of tasks in a cluster."""

    MASTER, PS, WORKER, CHIEF, EVALUATOR = "master", "ps", "worker", "chief", "evaluator"


class RunConfig:
    """How an estimator runs: where it keeps its model, how often it saves and logs. Which task of a cluster the process
    is comes from the environment variable TF_CONFIG.

    Args:
      save_checkpoints_secs, save_checkpoints_steps: one of them; every 600 seconds by default.
    Raises:
      ValueError: for values out of range, and for a TF_CONFIG that is no JSON or names a task that its cluster lacks.
    """

    def __init__(
        self, model_dir: Any = None, tf_random_seed: int | None = None, save_summary_steps: int = 100,
        save_checkpoints_steps: Any = _UNSET, save_checkpoints_secs: Any = _UNSET, session_config: Any = None,
        keep_checkpoint_max: int | None = 5, keep_checkpoint_every_n_hours: float = 10000,
        log_step_count_steps: int | None = 100, train_distribute: Any = None, device_fn: Any = None,
        protocol: Any = None, eval_distribute: Any = None, experimental_distribute: Any = None,
        experimental_max_worker_delay_secs: Any = None, session_creation_timeout_secs: int = 7200,
    ) -> None:  # fmt: skip
        if save_checkpoints_steps is _UNSET and save_checkpoints_secs is _UNSET:
            save_checkpoints_steps, save_checkpoints_secs = None, 600
        elif save_checkpoints_secs is _UNSET:
            save_checkpoints_secs = None
        elif save_checkpoints_steps is _UNSET:
            save_checkpoints_steps = None
        elif save_checkpoints_steps is not None and save_checkpoints_secs is not None:
            raise ValueError(_BOTH)
        refuse("RunConfig", train_distribute=train_distribute, eval_distribute=eval_distribute,
               experimental_distribute=experimental_distribute)  # fmt: skip
        self._task = _core.task_from_environment()
        self._values = {
            "model_dir": self._model_dir(model_dir), "tf_random_seed": tf_random_seed,
            "save_summary_steps": save_summary_steps, "save_checkpoints_steps": save_checkpoints_steps,
            "save_checkpoints_secs": save_checkpoints_secs, "session_config": session_config,
            "keep_checkpoint_max": keep_checkpoint_max,
            "keep_checkpoint_every_n_hours": keep_checkpoint_every_n_hours,
            "log_step_count_steps": log_step_count_steps, "train_distribute": None, "device_fn": device_fn,
            "protocol": protocol, "eval_distribute": None, "experimental_distribute": None,
            "experimental_max_worker_delay_secs": experimental_max_worker_delay_secs,
            "session_creation_timeout_secs": session_creation_timeout_secs,
        }  # fmt: skip
        self._check()
        refuse("RunConfig", device_fn=device_fn)

    def _model_dir(self, given: Any) -> str | None:
        given = None if given is None else os.fspath(given)
        environment = self._task["model_dir"] or None
        if given == "":
            raise ValueError("model_dir should be non-empty.")
        if given is not None and environment is not None and given != environment:
            raise ValueError(
                f"`model_dir` provided in RunConfig construct, if set, must have the same value as the model_dir in "
                f'TF_CONFIG. model_dir: {given}\nTF_CONFIG["model_dir"]: {environment}.\n'
            )
        return environment if given is None else given

    def _check(self) -> None:
        for name, (holds, message) in _CHECKS.items():
            value = self._values[name]
            if value is not None and not holds(value):
                raise ValueError(message)

    def __getattr__(self, name: str) -> Any:
        for values in (self.__dict__.get("_values", {}), self.__dict__.get("_task", {})):
            if name in values and name != "cluster":
                return values[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @property
    def cluster_spec(self) -> Any:
        from headrace.cluster import ClusterSpec

        return ClusterSpec(self._task["cluster"])

    @property
    def service(self) -> Any:
        return None

    def replace(self, **kwargs: Any) -> RunConfig:
        """A copy with other values.

        Raises:
          ValueError: for names that can't be replaced, and for values out of range.
        """
        other = copy.copy(self)
        other._values = dict(self._values)
        for name, value in kwargs.items():
            if name not in self._values:
                raise ValueError(f"Replacing {name} is not supported. Allowed properties are {sorted(self._values)}.")
            other._values[name] = os.fspath(value) if name == "model_dir" and value is not None else value
        if {"save_checkpoints_steps", "save_checkpoints_secs"} <= kwargs.keys():
            if None not in (kwargs["save_checkpoints_steps"], kwargs["save_checkpoints_secs"]):
                raise ValueError(_BOTH)
        elif kwargs.get("save_checkpoints_steps") is not None:
            other._values["save_checkpoints_secs"] = None
        elif kwargs.get("save_checkpoints_secs") is not None:
            other._values["save_checkpoints_steps"] = None
        other._check()
        return other

    def _native(self) -> dict[str, Any]:
        return {name: self._values[name] for name in _NATIVE}


def configured(config: Any, model_dir: Any) -> RunConfig:
    """An estimator's configuration: the one given (perhaps as a dict), with this model directory."""
    if config is None:
        config = RunConfig()
    elif isinstance(config, dict):
        config = RunConfig(**config)
    elif not isinstance(config, RunConfig):
        raise ValueError(f"config must be an instance of `RunConfig`, but provided {config}.")
    if model_dir is None:
        return config
    model_dir = os.fspath(model_dir)
    if config.model_dir is not None and config.model_dir != model_dir:
        raise ValueError(
            f"`model_dir` are set both in constructor and `RunConfig`, but with different values. In constructor: "
            f"'{model_dir}', in `RunConfig`: '{config.model_dir}' "
        )
    return config.replace(model_dir=model_dir)
