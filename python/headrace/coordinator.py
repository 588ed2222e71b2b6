"""tf.train.Coordinator: asks threads to stop, waits for them, and raises what one of them failed with."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any


class Coordinator:
    """Brings threads to an end together.

    Args:
      clean_stop_exception_types: exceptions that ask for a stop but are no failure; by default OutOfRangeError.

    >>> import tensorflow as tf, threading
    >>> coordinator = tf.train.Coordinator()
    >>> def work():
    ...     with coordinator.stop_on_exception():
    ...         raise ValueError("bad record")
    >>> threads = [threading.Thread(target=work)]
    >>> threads[0].start()
    >>> coordinator.join(threads)
    Traceback (most recent call last):
    ValueError: bad record
    """

    def __init__(self, clean_stop_exception_types: Any = None) -> None:
        if clean_stop_exception_types is None:
            from headrace.errors import OutOfRangeError

            clean_stop_exception_types = (OutOfRangeError,)
        self._clean = tuple(clean_stop_exception_types)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._registered: set[threading.Thread] = set()
        self.joined = False

    def request_stop(self, ex: Any = None) -> None:
        """Asks all threads to stop. `ex`, an exception or what sys.exc_info() gives, is raised by join().

        Raises:
          the exception, if join() has returned already.
        """
        if isinstance(ex, tuple):
            ex = ex[1]
        with self._lock:
            if ex is not None and not isinstance(ex, self._clean):
                if self.joined:
                    raise ex
                if self._failure is None and not self._stop.is_set():
                    self._failure = ex
            self._stop.set()

    def should_stop(self) -> bool:
        return self._stop.is_set()

    def wait_for_stop(self, timeout: float | None = None) -> bool:
        return self._stop.wait(timeout)

    def clear_stop(self) -> None:
        """Makes the coordinator as it was before a stop was requested."""
        with self._lock:
            self.joined, self._failure = False, None
            self._stop.clear()

    @contextlib.contextmanager
    def stop_on_exception(self) -> Iterator[None]:
        """Around a thread's work: an exception in it becomes a request to stop."""
        try:
            yield
        except BaseException:
            self.request_stop(sys.exc_info())

    def register_thread(self, thread: threading.Thread) -> None:
        with self._lock:
            self._registered.add(thread)

    def join(self, threads: Any = None, stop_grace_period_secs: float = 120, ignore_live_threads: bool = False) -> None:
        """Waits until the threads have ended: as long as it takes, but no longer than the grace period once a stop is
        requested.

        Raises:
          RuntimeError: if some live on then, unless `ignore_live_threads`. What request_stop was given.
        """
        with self._lock:
            everyone = self._registered.union(threads or ())
        while any(thread.is_alive() for thread in everyone) and not self.wait_for_stop(0.05):
            pass
        deadline = time.monotonic() + stop_grace_period_secs
        for thread in everyone:
            while thread.is_alive() and time.monotonic() < deadline:
                thread.join(0.05)
        alive = [thread.name for thread in everyone if thread.is_alive()]
        with self._lock:
            self.joined, failure = True, self._failure
            self._registered.clear()
        if failure is not None:
            raise failure
        if alive and not ignore_live_threads:
            raise RuntimeError(f"Coordinator stopped with threads still running: {' '.join(sorted(alive))}")

    def raise_requested_exception(self) -> None:
        """Raises what request_stop was given, if anything."""
        with self._lock:
            if self._failure is not None:
                raise self._failure
