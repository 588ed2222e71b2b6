"""tf.gfile and tf.io.gfile: files by path or URL (gs://…), over the C++ file systems."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from headrace import _core, errors


def _path(path: Any) -> str:
    path = os.fspath(path)
    return path.decode() if isinstance(path, bytes) else path


class GFile:
    """A file opened by path or URL. Modes: r, w, a, with b for bytes; text is UTF-8."""

    def __init__(self, name: Any, mode: str = "r") -> None:
        if mode.replace("b", "").replace("t", "").replace("+", "") not in ("r", "w", "a"):
            raise ValueError(f"Unknown mode {mode!r}: expected r, w or a, with b for bytes")
        self._name, self._mode = _path(name), mode
        self._binary = "b" in mode
        self._reader: Any = None
        self._writer: Any = None
        if "r" not in mode:
            self._open_writer()

    name = property(lambda self: self._name)
    mode = property(lambda self: self._mode)

    def _open_reader(self) -> Any:
        if self._writer is not None or "r" not in self._mode:
            raise errors.PermissionDeniedError(None, None, "File isn't open for reading")
        if self._reader is None:
            self._reader = _core.FileReader(self._name)
        return self._reader

    def _open_writer(self) -> Any:
        if "r" in self._mode:
            raise errors.PermissionDeniedError(None, None, "File isn't open for writing")
        if self._writer is None:
            self._writer = _core.open_for_writing(self._name, "a" in self._mode)
        return self._writer

    def _out(self, data: bytes) -> Any:
        return data if self._binary else data.decode()

    def size(self) -> int:
        """Bytes."""
        return _core.stat_file(self._name).length

    def read(self, n: int = -1) -> Any:
        return self._out(self._open_reader().read(n))

    def readline(self) -> Any:
        return self._out(self._open_reader().readline())

    def readlines(self) -> list[Any]:
        return list(self)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    next = __next__

    def seek(self, offset: Any = None, whence: int = 0, position: Any = None) -> None:
        reader = self._open_reader()
        offset = position if offset is None else offset
        reader.seek(offset + (0, reader.tell(), self.size())[whence])

    def tell(self) -> int:
        return self._open_reader().tell()

    def seekable(self) -> bool:
        return True

    def write(self, file_content: Any) -> None:
        self._open_writer().write(file_content.encode() if isinstance(file_content, str) else bytes(file_content))

    def flush(self) -> None:
        if self._writer is not None:
            self._writer.flush()

    def close(self) -> None:
        writer, self._reader, self._writer = self._writer, None, None
        if writer is not None:
            writer.close()

    def __enter__(self) -> GFile:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_writer", None) is not None:
            self.close()


FastGFile = Open = GFile


def exists(path: Any) -> bool:
    return _core.file_exists(_path(path))


def isdir(path: Any) -> bool:
    return _core.is_directory(_path(path))


def glob(pattern: Any) -> list[str]:
    """The paths that match a pattern, or any of a list of patterns, sorted."""
    if isinstance(pattern, (list, tuple)):
        return [match for one in pattern for match in glob(one)]
    return _core.match_files(_path(pattern))


def listdir(path: Any) -> list[str]:
    return _core.list_directory(_path(path))


def mkdir(path: Any) -> None:
    """Makes a directory whose parent exists; does nothing if it is there already."""
    if exists(path):
        return
    parent = os.path.dirname(_path(path).rstrip("/"))
    if parent and "://" not in parent and not exists(parent):
        raise errors.NotFoundError(None, None, f"cannot make {_path(path)}: there is no {parent}")
    _core.make_dirs(_path(path))


def makedirs(path: Any) -> None:
    _core.make_dirs(_path(path))


def remove(path: Any) -> None:
    _core.remove_file(_path(path))


def rmtree(path: Any) -> None:
    _core.remove_tree(_path(path))


def rename(src: Any, dst: Any, overwrite: bool = False) -> None:
    _refuse_existing(dst, overwrite)
    _core.rename_file(_path(src), _path(dst))


def copy(src: Any, dst: Any, overwrite: bool = False) -> None:
    _refuse_existing(dst, overwrite)
    _core.copy_file(_path(src), _path(dst))


def _refuse_existing(path: Any, overwrite: bool) -> None:
    if not overwrite and exists(path):
        raise errors.AlreadyExistsError(None, None, f"{_path(path)} exists; pass overwrite=True to replace it")


def stat(path: Any) -> Any:
    """length (bytes), mtime_nsec and is_directory of a path."""
    return _core.stat_file(_path(path))


def walk(top: Any, topdown: bool = True, onerror: Any = None) -> Iterator[tuple[str, list[str], list[str]]]:
    """(directory, names of its directories, names of its files) for each directory below `top`."""
    top = _path(top)
    try:
        names = [name.rstrip("/") for name in listdir(top)]
    except errors.NotFoundError as error:
        if onerror:
            onerror(error)
        return
    directories = [name for name in names if isdir(os.path.join(top, name))]
    here = (top, directories, [name for name in names if name not in directories])
    if topdown:
        yield here
    for name in directories:
        yield from walk(os.path.join(top, name), topdown, onerror)
    if not topdown:
        yield here


def walk_v1(top: Any, in_order: bool = True) -> Iterator[tuple[str, list[str], list[str]]]:
    return walk(top, in_order)
