"""tf.Session: runs parts of a graph. Nested fetches are taken apart here, the rest is C++."""

from __future__ import annotations

import copy
from typing import Any

from headrace import _core
from headrace.default_session import Default
from headrace.framework import (
    Graph,
    IndexedSlices,
    IndexedSlicesValue,
    Operation,
    SparseTensor,
    SparseTensorValue,
    Tensor,
    get_default_graph,
)


class Session:
    """Runs operations and evaluates tensors of one graph, and holds its variables.

    >>> import tensorflow as tf
    >>> with tf.Session() as session:
    ...     session.run(tf.constant(2.0) * 3.0)
    6.0
    """

    def __init__(self, target: str = "", graph: Any = None, config: Any = None) -> None:
        if config is not None:
            from headrace.protos import config_pb2

            if not isinstance(config, config_pb2.ConfigProto):
                raise TypeError(f"config must be a tf.ConfigProto, but got {type(config)}")
        if isinstance(target, _core.NativeSession):
            self._native = target
        else:
            if target is not None and not isinstance(target, (str, bytes)):
                hint = "" if not hasattr(target, "SerializeToString") else (
                    ' Did you do "Session(config)" instead of "Session(config=config)"?'
                )  # fmt: skip
                raise TypeError(f"target must be a string, but got {type(target)}{'.' + hint if hint else ''}")
            if graph is not None and not isinstance(graph, Graph):
                raise TypeError(f"graph must be a tf.Graph, but got {type(graph)}")
            if target not in ("", b"", None, "local"):
                from headrace import errors

                if not (target if isinstance(target, str) else target.decode()).startswith("grpc://"):
                    message = f"No session factory registered for the given session options: target: {target!r}"
                    raise errors.NotFoundError(None, None, message)
                raise errors.UnimplementedError(None, None, f"a session on a server ({target}) is not available yet")
            if graph is None and _core.executing_eagerly():
                raise RuntimeError("The Session graph is empty. Add operations to the graph before calling run().")
            self._native = _core.NativeSession(graph or get_default_graph())
        self._config = config
        self._target = target
        self._closed = False
        self._contexts: list[Any] = []

    @property
    def graph(self) -> Any:
        return self._native.graph

    @property
    def graph_def(self) -> Any:
        return self.graph.as_graph_def()

    @property
    def sess_str(self) -> bytes:
        return b""

    def run(self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None) -> Any:
        """The values of `fetches`, in the structure that they have.

        Args:
          fetches: a Tensor, Operation, Variable, SparseTensor, a name, or a list, tuple, namedtuple or dict of these.
          feed_dict: values (anything NumPy understands) for tensors of the graph.
          options: tf.RunOptions; `timeout_in_ms` is heeded.
        Raises:
          tf.errors.DeadlineExceededError: if the run takes longer than its timeout.
          tf.errors.CancelledError: if another thread closes the session meanwhile.
        """
        if self._closed:
            raise RuntimeError("Attempted to use a closed Session.")
        if options is not None or run_metadata is not None:
            _check_run_arguments(options, run_metadata)
        timeout = getattr(options, "timeout_in_ms", 0) if options is not None else 0
        if feed_dict:
            for key in feed_dict:
                if type(key) is not Tensor:
                    feed_dict = self._plain_feeds(feed_dict)
                    break
        if type(fetches) is Tensor:
            return self._native.run_one(fetches, feed_dict, timeout)
        flat: list[Any] = []
        rebuild = _parse(fetches, flat, self)
        if not flat and self.graph._last_id == 0:
            raise RuntimeError("The Session graph is empty.  Add operations to the graph before calling run().")
        return rebuild(self._native.run(flat, feed_dict, timeout))

    def _plain_feeds(self, feed_dict: dict[Any, Any]) -> dict[Any, Any]:
        """The tensors that are fed: keys may be names, sparse tensors, and tuples of keys for tuples of values."""
        from headrace import structure

        feeds: dict[Any, Any] = {}
        for key, value in structure.flatten_dict_items(feed_dict).items():
            if isinstance(key, SparseTensor):
                feeds.update(zip((key.indices, key.values, key.dense_shape), value or (None, None, None)))
            elif isinstance(key, IndexedSlices):
                feeds.update(
                    (t, v) for t, v in zip((key.values, key.indices, key.dense_shape), value or ()) if t is not None
                )
            elif any(isinstance(key, kind) and feed for kind, _, feed, _ in _expansions):
                feed = next(feed for kind, _, feed, _ in _expansions if isinstance(key, kind) and feed)
                feeds.update(feed(key, value))
            else:
                try:
                    feeds[self.graph.as_graph_element(key, allow_operation=False)] = value
                except (TypeError, ValueError, KeyError) as error:
                    message = error.args[0] if error.args else str(error)
                    raise TypeError(f"Cannot interpret feed_dict key as Tensor: {message}") from None
        return feeds

    def make_callable(self, fetches: Any, feed_list: Any = None, accept_options: bool = False) -> Any:
        """A function of the values of `feed_list` that gives what `run(fetches)` gives.

        Args:
          accept_options: whether the function also takes `options` and `run_metadata`.
        Raises:
          TypeError: if feed_list is no list.
        """
        if feed_list is not None and not isinstance(feed_list, (list, tuple)):
            raise TypeError("`feed_list` must be a list or tuple.")
        feeds = list(feed_list or [])

        def call(*values: Any, options: Any = None, run_metadata: Any = None) -> Any:
            if len(values) != len(feeds):
                raise TypeError(f"Expected {len(feeds)} values, one for each of feed_list, got {len(values)}")
            return self.run(fetches, dict(zip(feeds, values)), options, run_metadata)

        return call if accept_options else lambda *values: call(*values)

    def partial_run_setup(self, fetches: Any, feeds: Any = None) -> Any:
        """Announces what a run in steps will fetch and feed; returns the handle that partial_run takes."""
        from headrace.partial_run import PartialRun

        flat: list[Any] = []
        _parse(fetches, flat, self)
        given = [feeds] if isinstance(feeds, (Tensor, str)) else list(feeds or [])
        return PartialRun(flat, list(self._plain_feeds(dict.fromkeys(given))))

    def partial_run(self, handle: Any, fetches: Any, feed_dict: Any = None) -> Any:
        """One step of a run that partial_run_setup announced."""
        if self._closed:
            raise RuntimeError("Attempted to use a closed Session.")
        flat: list[Any] = []
        rebuild = _parse(fetches, flat, self)
        return rebuild(handle.step(self, flat, self._plain_feeds(feed_dict or {})))

    def list_devices(self) -> list[Any]:
        """The devices that operations can be placed on."""
        counts = {} if self._config is None else self._config.device_count
        return [
            _DeviceAttributes(f"/job:localhost/replica:0/task:0/device:CPU:{i}", "CPU", 256 << 20, i + 1)
            for i in range(counts.get("CPU", 1))
        ]

    def as_default(self) -> Any:
        return Default(self)

    def close(self) -> None:
        """Frees the variables. Later runs raise RuntimeError."""
        self._closed = True
        self._native.close()

    def __enter__(self) -> Session:
        if self._contexts:
            raise RuntimeError(
                "Session context managers are not re-entrant. Use `Session.as_default()` if you want to enter a "
                "session multiple times."
            )
        contexts = [self.graph.as_default(), Default(self)]
        for context in contexts:
            context.__enter__()
        self._contexts.append(contexts)
        return self

    def __exit__(self, *error: object) -> None:
        for context in reversed(self._contexts.pop()):
            context.__exit__(*error)
        if not self._contexts:
            self.close()


class InteractiveSession(Session):
    """A session that makes itself the default when it is made, for shells."""

    def __init__(self, target: str = "", graph: Any = None, config: Any = None) -> None:
        super().__init__(target, graph, config)
        self._installed = (
            [self.graph.as_default(), Default(self, False)] if graph is not None else [Default(self, False)]
        )
        for context in self._installed:
            context.__enter__()

    def close(self) -> None:
        for context in reversed(self._installed):
            context.__exit__(None, None, None)
        self._installed = []
        super().close()


class _DeviceAttributes:
    """A device: its name, type, bytes of memory, and a number that changes when it is set up anew."""

    def __init__(self, name: str, device_type: str, memory_limit_bytes: int, incarnation: int) -> None:
        self.name, self.device_type = str(name), str(device_type)
        self.memory_limit_bytes, self.incarnation = memory_limit_bytes, incarnation

    def __repr__(self) -> str:
        return f"_DeviceAttributes({self.name}, {self.device_type}, {self.memory_limit_bytes}, {self.incarnation})"


def _check_run_arguments(options: Any, run_metadata: Any) -> None:
    from headrace.protos import config_pb2

    for value, kind in ((options, config_pb2.RunOptions), (run_metadata, config_pb2.RunMetadata)):
        if value is not None and not isinstance(value, kind):
            name = "options" if kind is config_pb2.RunOptions else "run_metadata"
            raise TypeError(f"{name} must be a tf.{kind.__name__}, but got {type(value)}")


# Classes that a program taught Session.run to fetch and feed: (class, fetch function, feed function, its partial form).
_expansions: list[tuple[type, Any, Any, Any]] = []


def register_session_run_conversion_functions(
    tensor_type: type, fetch_function: Any, feed_function: Any = None, feed_function_for_partial_run: Any = None
) -> None:
    """Objects of a class are fetched and fed as the tensors that functions give.

    Args:
      fetch_function: from an object to a list of tensors, and a function from their values to the result.
      feed_function: from an object and a value to (tensor, value) pairs.
    Raises:
      ValueError: if the class is registered already.
    """
    if any(issubclass(kind, tensor_type) for kind, _, _, _ in _expansions):
        raise ValueError(f"{tensor_type} has already been registered so ignore it.")
    _expansions.insert(0, (tensor_type, fetch_function, feed_function, feed_function_for_partial_run))


def _parse(fetches: Any, flat: list[Any], session: Session) -> Any:
    """Appends the tensors and operations in `fetches` to `flat`; returns a function from their values to the result."""
    kind = type(fetches)
    if kind is Tensor or kind is Operation:
        flat.append(fetches)
        at = len(flat) - 1
        return lambda values: values[at]
    if kind is list or kind is tuple:
        first = len(flat)
        if all(type(item) is Tensor or type(item) is Operation for item in fetches):
            flat.extend(fetches)
            end = len(flat)
            return lambda values: kind(values[first:end])
        parts = [_parse(item, flat, session) for item in fetches]
        return lambda values: kind(part(values) for part in parts)
    if isinstance(fetches, dict):
        parts = {key: _parse(item, flat, session) for key, item in fetches.items()}
        empty = copy.copy(fetches)  # an OrderedDict's order, a defaultdict's factory
        empty.clear()

        def mapping(values: list[Any]) -> Any:
            result = copy.copy(empty)
            result.update((key, part(values)) for key, part in parts.items())
            return result

        return mapping
    if isinstance(fetches, (list, tuple)):
        parts = [_parse(item, flat, session) for item in fetches]
        if hasattr(fetches, "_fields"):
            return lambda values: kind(*[part(values) for part in parts])
        return lambda values: kind(part(values) for part in parts)
    if isinstance(fetches, SparseTensor):
        part = _parse([fetches.indices, fetches.values, fetches.dense_shape], flat, session)
        return lambda values: SparseTensorValue(*part(values))
    if isinstance(fetches, IndexedSlices):
        tensors = [fetches.values, fetches.indices] + ([] if fetches.dense_shape is None else [fetches.dense_shape])
        part = _parse(tensors, flat, session)
        return lambda values: IndexedSlicesValue(*(part(values) + [None])[:3])
    if fetches is None:
        raise TypeError("Fetch argument None has invalid type <class 'NoneType'>")
    if isinstance(fetches, _core.Variable):
        return _parse(fetches._graph_element, flat, session)
    if hasattr(kind, "__attrs_attrs__"):
        parts = [_parse(getattr(fetches, a.name), flat, session) for a in kind.__attrs_attrs__]
        return lambda values: kind(*[part(values) for part in parts])
    for registered, fetch_function, _, _ in _expansions:
        if isinstance(fetches, registered):
            tensors, contract = fetch_function(fetches)
            part = _parse(list(tensors), flat, session)
            return lambda values: contract(part(values))
    try:
        return _parse(session.graph.as_graph_element(fetches), flat, session)
    except TypeError as error:
        raise TypeError(
            f"Fetch argument {fetches!r} has invalid type {type(fetches)}, must be a string or Tensor. ({error})"
        ) from None
    except (ValueError, KeyError) as error:
        message = error.args[0] if error.args else str(error)
        raise ValueError(f"Fetch argument {fetches!r} cannot be interpreted as a Tensor. ({message})") from None
