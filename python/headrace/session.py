"""tf.Session: runs parts of a graph. Nested fetches are taken apart here, the rest is C++."""

from __future__ import annotations

from typing import Any

from headrace import _core
from headrace.default_session import Default
from headrace.framework import (
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
        if isinstance(target, _core.NativeSession):
            self._native = target
        else:
            if target not in ("", b"", None, "local"):
                from headrace.errors import UnimplementedError

                raise UnimplementedError(None, None, f"a session on a server ({target}) is not available yet")
            self._native = _core.NativeSession(graph or get_default_graph())
        self._config = config
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
        """
        if feed_dict:
            for key in feed_dict:
                if type(key) is not Tensor:
                    feed_dict = self._plain_feeds(feed_dict)
                    break
        if type(fetches) is Tensor:
            return self._native.run_one(fetches, feed_dict)
        flat: list[Any] = []
        rebuild = _parse(fetches, flat, self)
        return rebuild(self._native.run(flat, feed_dict))

    def _plain_feeds(self, feed_dict: dict[Any, Any]) -> dict[Any, Any]:
        feeds: dict[Any, Any] = {}
        for key, value in feed_dict.items():
            if isinstance(key, SparseTensor):
                feeds.update(zip((key.indices, key.values, key.dense_shape), value))
            elif isinstance(key, IndexedSlices):
                feeds.update(zip((key.values, key.indices, key.dense_shape), value))
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
        raise NotImplementedError("partial_run is not available yet; call run() with all feeds")

    def list_devices(self) -> list[Any]:
        return []

    def as_default(self) -> Any:
        return Default(self)

    def close(self) -> None:
        """Frees the variables. Later runs raise RuntimeError."""
        self._native.close()

    def __enter__(self) -> Session:
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
        self._installed = [self.graph.as_default(), Default(self)] if graph is not None else [Default(self)]
        for context in self._installed:
            context.__enter__()

    def close(self) -> None:
        for context in reversed(self._installed):
            context.__exit__(None, None, None)
        self._installed = []
        super().close()


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
        return lambda values: kind((key, part(values)) for key, part in parts.items())
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
        return _parse(fetches.value(), flat, session)
    try:
        return _parse(session.graph.as_graph_element(fetches), flat, session)
    except TypeError as error:
        raise TypeError(
            f"Fetch argument {fetches!r} has invalid type {type(fetches)}, must be a string or Tensor. ({error})"
        ) from None
    except (ValueError, KeyError) as error:
        message = error.args[0] if error.args else str(error)
        raise ValueError(f"Fetch argument {fetches!r} cannot be interpreted as a Tensor. ({message})") from None
