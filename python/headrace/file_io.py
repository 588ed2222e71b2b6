"""tensorflow.python.lib.io.file_io: tf.gfile's functions by their older names, and some of its own."""

from __future__ import annotations

import os
import zlib
from typing import Any

from headrace import compat, gfile

FileIO = gfile.GFile
file_exists = file_exists_v2 = gfile.exists
delete_file = delete_file_v2 = gfile.remove
get_matching_files_v2 = gfile.glob
create_dir = create_dir_v2 = gfile.mkdir
recursive_create_dir = recursive_create_dir_v2 = gfile.makedirs
copy = copy_v2 = gfile.copy
rename = rename_v2 = gfile.rename
delete_recursively = delete_recursively_v2 = gfile.rmtree
is_directory = is_directory_v2 = gfile.isdir
list_directory = list_directory_v2 = gfile.listdir
walk = gfile.walk_v1
walk_v2 = gfile.walk
stat = stat_v2 = gfile.stat


def get_matching_files(filename: Any) -> list[str]:
    """The files that match a pattern, or one of a list of patterns."""
    return gfile.glob(filename)


def read_file_to_string(filename: Any, binary_mode: bool = False) -> Any:
    """A file's content, bytes in binary mode, else text."""
    with gfile.GFile(filename, "rb" if binary_mode else "r") as file:
        return file.read()


def write_string_to_file(filename: Any, file_content: Any) -> None:
    """Makes or replaces a file."""
    with gfile.GFile(filename, "w") as file:
        file.write(file_content)


def atomic_write_string_to_file(filename: Any, contents: Any, overwrite: bool = True) -> None:
    """Makes or replaces a file, which nobody sees half written. Raises AlreadyExistsError without `overwrite`."""
    name = compat.path_to_str(filename)
    temporary = f"{name}.tmp{os.urandom(16).hex()}"
    write_string_to_file(temporary, contents)
    try:
        gfile.rename(temporary, name, overwrite)
    except Exception:
        gfile.remove(temporary)
        raise


def filecmp(filename_a: Any, filename_b: Any) -> bool:
    """Whether two files have the same content."""
    if gfile.stat(filename_a).length != gfile.stat(filename_b).length:
        return False
    return read_file_to_string(filename_a, True) == read_file_to_string(filename_b, True)


def file_crc32(filename: Any, block_size: int = 1 << 20) -> str:
    """The CRC-32 of a file's content, "0x…"."""
    crc = 0
    with gfile.GFile(filename, "rb") as file:
        while chunk := file.read(block_size):
            crc = zlib.crc32(chunk, crc)
    return hex(crc & 0xFFFFFFFF)
