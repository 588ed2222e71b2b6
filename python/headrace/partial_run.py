"""Session.partial_run: a run in steps, each of which feeds and fetches some of what was announced.

What a step fetched is fed to the later ones, so that it is computed once.
"""

from __future__ import annotations

from typing import Any

from headrace import errors
from headrace.framework import Operation, Tensor


class PartialRun:
    """The state of one run in steps: what may be fed and fetched, and what was."""

    def __init__(self, fetches: list[Any], feeds: list[Tensor]) -> None:
        if not fetches:
            raise errors.InvalidArgumentError(
                None, None, "Subgraph has no fetches: specify at least one target to fetch or execute."
            )
        self._fetches, self._feeds = fetches, feeds
        self._fed: dict[Tensor, Any] = {}
        self._fetched: dict[Tensor, Any] = {}
        self._run: list[Operation] = []

    def step(self, session: Any, fetches: list[Any], feeds: dict[Tensor, Any]) -> list[Any]:
        """The values of `fetches`, in their order.

        Raises:
          InvalidArgumentError: for what was not announced, or is fed or fetched for the second time.
        """
        for tensor in feeds:
            self._check(tensor, self._feeds, self._fed, "feed", "fed")
        for fetch in fetches:
            done = self._run if isinstance(fetch, Operation) else self._fetched
            self._check(fetch, self._fetches, done, "fetch", "fetched")
        self._fed.update(feeds)
        known = {tensor: value for tensor, value in self._fetched.items() if tensor not in fetches}
        values = session._native.run(fetches, {**known, **self._fed}) if fetches else []
        for fetch, value in zip(fetches, values):
            if isinstance(fetch, Operation):
                self._run.append(fetch)
            else:
                self._fetched[fetch] = value
        return values

    @staticmethod
    def _check(item: Any, announced: Any, done: Any, kind: str, past: str) -> None:
        if item not in announced:
            raise errors.InvalidArgumentError(
                None, None, f"The {kind} {item.name} was not specified in partial_run_setup."
            )
        if item in done:
            raise errors.InvalidArgumentError(None, None, f"The {kind} {item.name} has already been {past}.")
