"""tf.train.Saver and checkpoints."""

from __future__ import annotations

import os
from typing import Any

from headrace import _core
from headrace.framework import GraphKeys, add_to_collection, get_default_graph
from headrace.refusal import refuse
from headrace.variables import global_variables


class Saver:
    """Saves and restores variables. Checkpoints beyond `max_to_keep` are removed, oldest first.

    >>> import tensorflow as tf, tempfile
    >>> v = tf.get_variable("v", [])
    >>> saver = tf.train.Saver()
    >>> with tf.Session() as session:
    ...     session.run(tf.global_variables_initializer())
    ...     path = saver.save(session, tempfile.mkdtemp() + "/model.ckpt", global_step=1)
    """

    def __init__(
        self, var_list: Any = None, reshape: bool = False, sharded: bool = False, max_to_keep: int = 5,
        keep_checkpoint_every_n_hours: float = 10000.0, name: str | None = None, restore_sequentially: bool = False,
        saver_def: Any = None, builder: Any = None, defer_build: bool = False, allow_empty: bool = False,
        write_version: Any = None, pad_step_number: bool = False, save_relative_paths: bool = False,
        filename: str | None = None,
    ) -> None:  # fmt: skip
        if defer_build and var_list is not None:
            raise ValueError("If `var_list` is provided then build cannot be deferred.")
        refuse("Saver", saver_def=saver_def, builder=builder, filename=filename)
        if write_version not in (None, 2):
            refuse("Saver", write_version=write_version)
        self._variables = dict(var_list) if isinstance(var_list, dict) else var_list and list(var_list)
        self._arguments = (max_to_keep or 0, keep_checkpoint_every_n_hours, name or "save", allow_empty, reshape,
                           pad_step_number)  # fmt: skip
        self._built: Any = None
        if not defer_build:
            self.build()

    def build(self) -> None:
        variables = global_variables() if self._variables is None else self._variables
        if not variables and not self._arguments[3]:
            raise ValueError("No variables to save")
        self._built = _core.NativeSaver(variables, *self._arguments)
        self._graph = get_default_graph()  # stays as long as the saver, which names operations of it

    @property
    def _native(self) -> Any:
        if self._built is None:
            self.build()
        return self._built

    def save(
        self, sess: Any, save_path: str, global_step: Any = None, latest_filename: str | None = None,
        meta_graph_suffix: str = "meta", write_meta_graph: bool = True, write_state: bool = True,
        strip_default_attrs: bool = False, save_debug_info: bool = False,
    ) -> str:  # fmt: skip
        """Writes SAVE_PATH-STEP whole or not at all; returns that prefix.

        Raises:
          ValueError: if the directory does not exist.
        """
        if global_step is not None and not isinstance(global_step, int):
            global_step = int(sess.run(global_step)) if hasattr(global_step, "graph") else int(global_step)
        directory = os.path.dirname(save_path)
        if directory and "://" not in directory and not os.path.isdir(directory):
            raise ValueError(f"Parent directory of {save_path} doesn't exist, can't save.")
        return self._native.save(
            sess._native, save_path, global_step, write_meta_graph, latest_filename or "checkpoint", write_state
        )

    def restore(self, sess: Any, save_path: str) -> None:
        """Gives the variables the values of a checkpoint.

        Raises:
          ValueError: if there is no such checkpoint. NotFoundError: if it lacks a variable.
        """
        if save_path is None:
            raise ValueError("Can't load save_path when it is None.")
        if not checkpoint_exists(save_path):
            raise ValueError(f"The passed save_path is not a valid checkpoint: {save_path}")
        self._native.restore(sess._native, save_path)

    def export_meta_graph(self, filename: Any = None, **options: Any) -> Any:
        """tf.train.export_meta_graph of the default graph."""
        from headrace.meta_graph import export_meta_graph

        return export_meta_graph(filename, **options)

    @property
    def last_checkpoints(self) -> list[str]:
        return self._native.last_checkpoints

    def recover_last_checkpoints(self, checkpoint_paths: list[str]) -> None:
        self._native.recover_last_checkpoints(checkpoint_paths)

    def set_last_checkpoints_with_time(self, checkpoints: list[tuple[str, float]]) -> None:
        self._native.recover_last_checkpoints([path for path, _ in checkpoints])


def latest_checkpoint(checkpoint_dir: Any, latest_filename: str | None = None) -> str | None:
    """The prefix of the newest checkpoint in a directory, None if there is none."""
    return _core.latest_checkpoint(os.fspath(checkpoint_dir), latest_filename or "checkpoint") or None


def checkpoint_exists(checkpoint_prefix: str) -> bool:
    return _core.checkpoint_exists(os.fspath(checkpoint_prefix))


def remove_checkpoint(
    checkpoint_prefix: str, checkpoint_format_version: Any = None, meta_graph_suffix: str = "meta"
) -> None:
    _core.remove_checkpoint(checkpoint_prefix)


def get_checkpoint_state(checkpoint_dir: str, latest_filename: str | None = None) -> Any:
    """What a directory's `checkpoint` file says, a CheckpointState message; None if there is none."""
    from headrace.protos import checkpoint_pb2

    state = _core.checkpoint_state(os.fspath(checkpoint_dir), latest_filename or "checkpoint")
    if not state:
        return None
    latest, every = state
    return checkpoint_pb2.CheckpointState(model_checkpoint_path=latest, all_model_checkpoint_paths=every)


def update_checkpoint_state(
    save_dir: str, model_checkpoint_path: str, all_model_checkpoint_paths: Any = None,
    latest_filename: str | None = None, **_: Any,
) -> None:  # fmt: skip
    paths = list(all_model_checkpoint_paths or [])
    if model_checkpoint_path not in paths:
        paths.append(model_checkpoint_path)
    _core.write_checkpoint_state(save_dir, model_checkpoint_path, paths, latest_filename or "checkpoint")


class CheckpointReader:
    """The variables in a checkpoint."""

    def __init__(self, prefix: str) -> None:
        self._native = _core.CheckpointReader(prefix)

    def has_tensor(self, name: str) -> bool:
        return self._native.has_tensor(name)

    def get_tensor(self, name: str) -> Any:
        """The value, a NumPy array. Raises NotFoundError."""
        return self._native.get_tensor(name)

    def get_variable_to_shape_map(self) -> dict[str, list[int]]:
        return {name: shape for name, (_, shape) in self._native.variables().items()}

    def get_variable_to_dtype_map(self) -> dict[str, Any]:
        return {name: dtype for name, (dtype, _) in self._native.variables().items()}


def NewCheckpointReader(filepattern: str) -> CheckpointReader:  # noqa: N802
    return CheckpointReader(filepattern)


def load_checkpoint(ckpt_dir_or_file: str) -> CheckpointReader:
    """A reader of a checkpoint, or of the newest one in a directory."""
    prefix = ckpt_dir_or_file
    if _core.is_directory(prefix):
        prefix = latest_checkpoint(prefix)
        if prefix is None:
            raise ValueError(f"Couldn't find 'checkpoint' file or checkpoints in given directory {ckpt_dir_or_file}")
    return CheckpointReader(prefix)


def load_variable(ckpt_dir_or_file: str, name: str) -> Any:
    return load_checkpoint(ckpt_dir_or_file).get_tensor(name.removesuffix(":0"))


def list_variables(ckpt_dir_or_file: str) -> list[tuple[str, list[int]]]:
    """(name, shape) of each variable, by name."""
    return sorted(load_checkpoint(ckpt_dir_or_file).get_variable_to_shape_map().items())


class Scaffold:
    """Parts of a session's start-up that a model function may replace."""

    def __init__(
        self, init_op: Any = None, init_feed_dict: Any = None, init_fn: Any = None, ready_op: Any = None,
        ready_for_local_init_op: Any = None, local_init_op: Any = None, summary_op: Any = None, saver: Any = None,
        copy_from_scaffold: Any = None,
    ) -> None:  # fmt: skip
        refuse("Scaffold", init_feed_dict=init_feed_dict, ready_op=ready_op,
               ready_for_local_init_op=ready_for_local_init_op)  # fmt: skip
        if copy_from_scaffold is not None:
            if not isinstance(copy_from_scaffold, Scaffold):
                raise TypeError("copy_from_scaffold is not a Scaffold instance.")
            mine, other = (init_op, init_fn, local_init_op, summary_op, saver), copy_from_scaffold
            theirs = (other.init_op, other.init_fn, other.local_init_op, other.summary_op, other.saver)
            init_op, init_fn, local_init_op, summary_op, saver = (
                given if given is not None else copied for given, copied in zip(mine, theirs)
            )
        self.init_op, self.init_feed_dict, self.init_fn = init_op, init_feed_dict, init_fn
        self.local_init_op, self.summary_op, self.saver = local_init_op, summary_op, saver
        self.ready_op, self.ready_for_local_init_op = ready_op, ready_for_local_init_op

    @property
    def _native_saver(self) -> Any:
        return None if self.saver is None else self.saver._native

    @property
    def _session_init_fn(self) -> Any:
        return None if self.init_fn is None else lambda session: self.init_fn(self, session)

    def finalize(self) -> Scaffold:
        if self.saver is None:
            self.saver = Saver(allow_empty=True)
            add_to_collection(GraphKeys.SAVERS, self.saver)
        return self
