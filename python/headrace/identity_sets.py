"""tensorflow.python.util.object_identity: dicts and sets in which a key is the object, whatever it is equal to."""

from __future__ import annotations

import collections.abc
import weakref
from typing import Any


class _ObjectIdentityWrapper:
    """An object, equal to itself alone."""

    def __init__(self, wrapped: Any) -> None:
        self._wrapped = wrapped

    @property
    def unwrapped(self) -> Any:
        return self._wrapped

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ObjectIdentityWrapper) and self.unwrapped is other.unwrapped

    def __hash__(self) -> int:
        return id(self.unwrapped)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} wrapping {self.unwrapped!r}>"


class Reference(_ObjectIdentityWrapper):
    """An object as a dict's key, equal to itself alone."""

    def deref(self) -> Any:
        return self._wrapped


class _WeakObjectIdentityWrapper(_ObjectIdentityWrapper):
    def __init__(self, wrapped: Any) -> None:
        super().__init__(weakref.ref(wrapped))
        self._hash = id(wrapped)

    @property
    def unwrapped(self) -> Any:
        return self._wrapped()

    def __hash__(self) -> int:
        return self._hash


class ObjectIdentityDictionary(collections.abc.MutableMapping):
    """A dict by identity."""

    def __init__(self) -> None:
        self._storage: dict[Any, Any] = {}

    def _wrap_key(self, key: Any) -> Any:
        return _ObjectIdentityWrapper(key)

    def __getitem__(self, key: Any) -> Any:
        return self._storage[self._wrap_key(key)]

    def __setitem__(self, key: Any, value: Any) -> None:
        self._storage[self._wrap_key(key)] = value

    def __delitem__(self, key: Any) -> None:
        del self._storage[self._wrap_key(key)]

    def __len__(self) -> int:
        return len(self._storage)

    def __iter__(self) -> Any:
        return (key.unwrapped for key in self._storage)

    def __repr__(self) -> str:
        return f"ObjectIdentityDictionary({self._storage!r})"


class ObjectIdentityWeakKeyDictionary(ObjectIdentityDictionary):
    """A dict by identity that does not keep its keys alive."""

    def _wrap_key(self, key: Any) -> Any:
        return _WeakObjectIdentityWrapper(key)

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __iter__(self) -> Any:
        for key in list(self._storage):
            if key.unwrapped is None:
                del self._storage[key]
            else:
                yield key.unwrapped


class ObjectIdentitySet(collections.abc.MutableSet):
    """A set by identity."""

    def __init__(self, items: Any = ()) -> None:
        self._storage = {self._wrap_key(item) for item in items}

    def _wrap_key(self, key: Any) -> Any:
        return _ObjectIdentityWrapper(key)

    def __contains__(self, key: Any) -> bool:
        return self._wrap_key(key) in self._storage

    def discard(self, key: Any) -> None:
        self._storage.discard(self._wrap_key(key))

    def add(self, key: Any) -> None:
        self._storage.add(self._wrap_key(key))

    def update(self, items: Any) -> None:
        self._storage.update(self._wrap_key(item) for item in items)

    def intersection(self, items: Any) -> Any:
        return type(self)(item for item in items if item in self)

    def difference(self, items: Any) -> Any:
        others = {self._wrap_key(item) for item in items}
        return type(self)(key.unwrapped for key in self._storage if key not in others)

    def __len__(self) -> int:
        return len(self._storage)

    def __iter__(self) -> Any:
        return (key.unwrapped for key in list(self._storage))


class ObjectIdentityWeakSet(ObjectIdentitySet):
    """A set by identity that does not keep its members alive."""

    def _wrap_key(self, key: Any) -> Any:
        return _WeakObjectIdentityWrapper(key)

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __iter__(self) -> Any:
        for key in list(self._storage):
            if key.unwrapped is None:
                self._storage.discard(key)
            else:
                yield key.unwrapped
