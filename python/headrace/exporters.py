"""tf.estimator's exporters: when a model is exported after an evaluation, and which older exports are removed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from headrace import _core
from headrace.refusal import refuse


class Exporter:
    """Base class: subclass it and define `name` and `export` for an exporter of one's own."""

    @property
    def name(self) -> str:
        raise NotImplementedError

    def export(
        self, estimator: Any, export_path: str, checkpoint_path: str, eval_result: Any, is_the_final_export: bool
    ) -> Any:
        raise NotImplementedError


class _NativeExporter(Exporter):
    _native: Any
    name = property(lambda self: self._native.name)


class LatestExporter(_NativeExporter):
    """Exports after every evaluation and keeps the newest `exports_to_keep`."""

    def __init__(
        self, name: str, serving_input_receiver_fn: Callable, assets_extra: Any = None, as_text: bool = False,
        exports_to_keep: int | None = 5,
    ) -> None:  # fmt: skip
        if exports_to_keep is not None and exports_to_keep <= 0:
            raise ValueError(f"`exports_to_keep`, if provided, must be a positive number. Got {exports_to_keep}")
        refuse(type(self).__name__, as_text=as_text)
        self._native = _core.latest_exporter(name, serving_input_receiver_fn, assets_extra, exports_to_keep)


class FinalExporter(_NativeExporter):
    """Exports once, at the end."""

    def __init__(
        self, name: str, serving_input_receiver_fn: Callable, assets_extra: Any = None, as_text: bool = False
    ) -> None:
        refuse(type(self).__name__, as_text=as_text)
        self._native = _core.final_exporter(name, serving_input_receiver_fn, assets_extra)


class BestExporter(_NativeExporter):
    """Exports the first evaluation and each that is better than all before it: of a smaller loss, unless compare_fn
    says else."""

    def __init__(
        self, name: str = "best_exporter", serving_input_receiver_fn: Any = None,
        event_file_pattern: str = "eval/*.tfevents.*", compare_fn: Any = None, assets_extra: Any = None,
        as_text: bool = False, exports_to_keep: int | None = 5,
    ) -> None:  # fmt: skip
        if exports_to_keep is not None and exports_to_keep <= 0:
            raise ValueError(f"`exports_to_keep`, if provided, must be a positive number. Got {exports_to_keep}")
        if not callable(serving_input_receiver_fn):
            raise ValueError("An input_receiver_fn must be defined.")
        better = None
        if compare_fn is not None:
            import inspect

            given = set(inspect.signature(compare_fn).parameters)
            for name in ("best_eval_result", "current_eval_result"):
                if name not in given:
                    raise ValueError(f"compare_fn ({compare_fn}) must include {name} argument.")

            def better(best: Any, current: Any) -> Any:
                return compare_fn(best_eval_result=best, current_eval_result=current)

        refuse(type(self).__name__, as_text=as_text)
        self._native = _core.best_exporter(
            name, serving_input_receiver_fn, event_file_pattern, better, assets_extra, exports_to_keep
        )
