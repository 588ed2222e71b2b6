"""Writes the names of TensorFlow 1.15 that error messages consult, out of a table of its API and its source tree.

usage: make_api_names.py API_TSV TF_SOURCE OUT
API_TSV has a line a public name ("tensorflow.train.Saver<TAB>kind<TAB>arguments"); of TF_SOURCE only the paths of
modules are read. OUT is headrace/api_names.txt: a line a public module, "module: name name ...", then "private:" and
the tree of private modules, "package: module module ...".
"""

from __future__ import annotations

import collections
import os
import sys


def public_names(table: str) -> dict[str, set[str]]:
    """The names of each public module, "" being tensorflow itself. Members of classes are left out."""
    kinds = {}
    with open(table) as lines:
        for line in lines:
            if not line.startswith("#"):
                name, kind, _ = line.rstrip("\n").split("\t")
                kinds[name] = kind
    modules: dict[str, set[str]] = collections.defaultdict(set)
    for name, kind in kinds.items():
        if kind == "class member" or name == "tensorflow":
            continue
        path, _, last = name.removeprefix("tensorflow.").rpartition(".")
        modules[path].add(last)
        while path:
            path, _, last = path.rpartition(".")
            modules[path].add(last)
    return modules


def private_modules(source: str) -> dict[str, set[str]]:
    """The modules in each private package, tests left out; a message file x.proto counts as the module x_pb2."""
    packages: dict[str, set[str]] = collections.defaultdict(set)
    for top in ("python", "core", "contrib", "compiler"):
        for folder, _, files in os.walk(os.path.join(source, "tensorflow", top)):
            package = os.path.relpath(folder, os.path.join(source, "tensorflow")).replace(os.sep, ".")
            for file in files:
                stem, extension = os.path.splitext(file)
                if extension == ".proto":
                    packages[package].add(stem + "_pb2")
                elif extension == ".py" and top != "core" and stem != "__init__" and not stem.endswith("_test"):
                    packages[package].add(stem)
    for package in list(packages):
        while "." in package:
            package, _, last = package.rpartition(".")
            packages[package].add(last)
    return packages


def main() -> None:
    table, source, out = sys.argv[1:]
    with open(out, "w") as file:
        for module, names in sorted(public_names(table).items()):
            print(f"{module}: {' '.join(sorted(names))}", file=file)
        print("private:", file=file)
        for module, names in sorted(private_modules(source).items()):
            print(f"{module}: {' '.join(sorted(names))}", file=file)


if __name__ == "__main__":
    main()
