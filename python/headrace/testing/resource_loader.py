"""tensorflow.python.platform.resource_loader: files that lie beside a program."""

from __future__ import annotations

import inspect
import os


def get_data_files_path() -> str:
    """The folder of the calling module."""
    return os.path.dirname(inspect.getfile(inspect.currentframe().f_back))  # type: ignore[union-attr, arg-type]


def get_path_to_datafile(path: str) -> str:
    """The path of a file beside the calling module."""
    folder = os.path.dirname(inspect.getfile(inspect.currentframe().f_back))  # type: ignore[union-attr, arg-type]
    return os.path.join(folder, path)


def load_resource(path: str) -> bytes:
    """The content of a file that is named from the root of the sources ($TEST_SRCDIR).

    Raises:
      IOError: where there is none.
    """
    full = os.path.join(get_root_dir_with_all_resources(), path)
    with open(full, "rb") as file:
        return file.read()


def get_root_dir_with_all_resources() -> str:
    return os.environ.get("TEST_SRCDIR", os.getcwd())


def readahead_file_path(path: str, readahead: str = "128M") -> str:
    return path
