"""What `cmake --install` lays down, used by somebody who can't write there, and by C++ programs of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BUILD = Path(os.environ.get("HEADRACE_BUILD", Path(__file__).resolve().parents[2] / "build"))
NOBODY = 65534


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory):
    """An installation without a virtual environment; the interpreter is the tests'."""
    base = tmp_path_factory.mktemp("install")
    for folder in (base, *base.parents):  # pytest's folders are their owner's only
        if folder.stat().st_uid == os.getuid() and folder.name.startswith(("pytest-", "install")):
            folder.chmod(0o755)
    target = base / "prefix"
    subprocess.run(["cmake", "--install", BUILD, "--prefix", target], check=True, capture_output=True, umask=0o022)
    return target


def contents(folder: Path) -> dict[str, float]:
    return {str(path): path.lstat().st_mtime for path in sorted(folder.rglob("*"))}


def as_another_user(prefix: Path, home: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Runs a bash script that starts as a prepared shell; by root as an ordinary user, for whom the prefix is read-only."""
    home.mkdir(exist_ok=True)
    command = ["bash", "-c", script]
    if os.getuid() == 0:
        os.chown(home, NOBODY, NOBODY)
        command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *command]
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home),
        "HEADRACE_PYTHON": sys.executable,
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)


def readable_by_others(path: str) -> bool:
    return all(Path(path, *[".."] * i).resolve().stat().st_mode & 0o005 for i in range(len(Path(path).parts) - 1))


def test_another_user_uses_it_and_nothing_in_it_changes(prefix: Path, tmp_path_factory: pytest.TempPathFactory):
    home = prefix.parent / "home"
    before = contents(prefix)
    result = as_another_user(
        prefix,
        home,
        f'eval "$({prefix}/bin/headrace env)" || exit 9; command -v gcloud; gcloud version; gsutil version',
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[0] == str(prefix / "libexec/headrace/gcloud")
    if os.getuid() != 0 or readable_by_others(os.path.dirname(sys.executable)):
        result = as_another_user(
            prefix,
            home,
            f'eval "$({prefix}/bin/headrace env)"; python -c "import tensorflow as tf; print(tf.__file__)"',
        )
        assert result.stdout.strip().startswith(str(prefix / "lib/headrace/python/tensorflow")), result.stderr
    assert contents(prefix) == before


def test_an_env_that_fails_fails_the_shell(prefix: Path, tmp_path: Path):
    broken = tmp_path / "broken"
    shutil.copytree(prefix, broken, symlinks=True)
    (broken / "libexec/headrace/gcloud").unlink()
    result = subprocess.run(
        ["bash", "-c", f'set -e; eval "$({broken}/bin/headrace env)"; echo went on'], capture_output=True, text=True
    )
    assert result.returncode != 0
    assert "went on" not in result.stdout
    assert "is not complete" in result.stderr


PROJECT = """cmake_minimum_required(VERSION 3.25)
project(Client LANGUAGES CXX)
find_package(Headrace REQUIRED)
find_package(Protobuf REQUIRED)
protobuf_generate_cpp(SOURCES HEADERS graph.proto)
add_executable(client client.cc ${SOURCES})
target_include_directories(client PRIVATE ${CMAKE_CURRENT_BINARY_DIR})
target_link_libraries(client PRIVATE Headrace::headrace protobuf::libprotobuf)
"""

# Registers the names that C++ generated from TensorFlow's own protos registers.
PROTO = """syntax = "proto3";
package tensorflow;
message NodeDef { string name = 1; string op = 2; }
message GraphDef { repeated NodeDef node = 1; }
message Example { bytes features = 1; }
"""

PROGRAM = """#include <headrace/headrace.h>
#include <headrace/version.h>

#include <iostream>

#include "graph.pb.h"

int main() {
  tensorflow::GraphDef graph;
  graph.add_node()->set_name("x");
  auto ours = std::make_shared<hr::Graph>();
  hr::GraphScope scope(*ours);
  const hr::Output sum = hr::Constant(hr::Tensor::Scalar(1.5f)) + hr::Constant(hr::Tensor::Scalar(2.0f));
  hr::Session session(ours);
  std::cout << graph.node(0).name() << " " << session.Run({sum})[0].AsDouble() << " " << HEADRACE_VERSION << std::endl;
}
"""


def test_a_program_links_beside_tensorflows_protos_and_names_no_standard(prefix: Path, tmp_path: Path):
    for name, text in {"CMakeLists.txt": PROJECT, "graph.proto": PROTO, "client.cc": PROGRAM}.items():
        (tmp_path / name).write_text(text)
    build = tmp_path / "build"
    for command in (
        ["cmake", "-S", tmp_path, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}"],
        ["cmake", "--build", build],
    ):
        result = subprocess.run(command, capture_output=True, text=True)
        assert result.returncode == 0, result.stdout + result.stderr
    result = subprocess.run([build / "client"], capture_output=True, text=True)
    assert result.stdout == "x 3.5 0.1.0\n", result.stderr
    assert result.returncode == 0


def test_the_library_exports_its_own_symbols_only(prefix: Path):
    library = (prefix / "lib/libheadrace.so").resolve()
    assert library.name == "libheadrace.so.0.1.0"
    listed = subprocess.run(["nm", "-D", "--defined-only", library], check=True, capture_output=True, text=True).stdout
    names = [line.split()[-1] for line in listed.splitlines()]
    assert len(names) > 100
    assert [name for name in names if "8headrace" not in name] == []
    assert [name for name in names if "headrace4wire" in name and name.startswith(("_ZN8", "_ZNK8"))] == []
