#!/bin/bash
# Installs what Headrace builds with and what is missing only: Debian 12 packages (needs root), and a virtual
# environment build/venv; with `test` also build/oracle, the real TensorFlow that the tests compare with.
# usage: tools/install_dependencies.sh [build|test|develop]
#        tools/install_dependencies.sh environment DIR PACKAGES   only the virtual environment that trainers run in, at
#                                                           DIR; it finds the Python packages in the folder PACKAGES
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:-build}

build_packages=(
  g++ cmake ninja-build lld pkg-config ca-certificates curl
  libdnnl-dev libopenblas-serial-dev libabsl-dev libprotobuf-dev protobuf-compiler libboost-system-dev libssl-dev libsqlite3-dev
  zlib1g-dev libsnappy-dev libyaml-cpp-dev libspdlog-dev libre2-dev libsimdjson-dev libfast-float-dev nlohmann-json3-dev
  python3.11 python3.11-dev python3.11-venv bubblewrap
  libcli11-dev  # the C++ example's flags
)
[ "$(uname -m)" = x86_64 ] || build_packages+=(libsleef-dev)  # vector math where glibc has none
test_packages=(libgtest-dev libgmock-dev)
develop_packages=(clang-14 clang-format-14 clang-tidy-14 libclang-rt-14-dev ccache libbenchmark-dev)

packages=("${build_packages[@]}")
[ "$what" = build ] || packages+=("${test_packages[@]}")
[ "$what" != develop ] || packages+=("${develop_packages[@]}")

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
# A Python 3.11 from elsewhere will do when it has its headers and can make virtual environments.
python=/usr/bin/python3.11
if [ ! -x $python ] && python=$(command -v python3.11) && "$python" -c '
import ensurepip, os, sysconfig, venv
assert os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h"))' 2>/dev/null; then
  missing=($(printf '%s\n' "${missing[@]}" | grep -v '^python3.11' || true))
else
  python=/usr/bin/python3.11
fi
if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" != 0 ]; then
    echo "Missing Debian packages, to be installed by root: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  echo "Installing ${#missing[@]} Debian packages"
  apt-get update -q=2
  DEBIAN_FRONTEND=noninteractive apt-get install -q=2 --no-install-recommends "${missing[@]}" >/dev/null
fi

# Makes or refreshes a virtual environment from requirement files; a stamp of their content saves the next run's time.
environment() {
  local directory=$1 stamp
  shift
  stamp=$("$python" -VV; cat "$@")
  if [ -x "$directory/bin/python" ] && [ "$(cat "$directory/.requirements" 2>/dev/null)" = "$stamp" ]; then return; fi
  echo "Preparing $directory"
  [ -x "$directory/bin/python" ] || "$python" -m venv "$directory"
  local files=()
  for file in "$@"; do files+=(-r "$file"); done
  "$directory/bin/python" -m pip install --quiet --disable-pip-version-check "${files[@]}"
  echo "$stamp" >"$directory/.requirements"
}

# Lets the interpreters of a virtual environment find the Python packages in a folder.
find_packages_in() {
  local packages=$1 directory=$2 site
  for site in "$directory"/lib/python3*/site-packages; do
    [ "$(cat "$site/headrace.pth" 2>/dev/null)" = "$packages" ] || echo "$packages" >"$site/headrace.pth"
  done
}

mkdir -p build
if [ "$what" = environment ]; then
  environment "$2" tools/requirements/runtime.txt
  find_packages_in "$3" "$2"
  # Whoever uses the installation may not be able to write there.
  "$2/bin/python" -m compileall -q "$3"
elif [ "$what" = build ]; then
  # The tests' environment has all of the runtime's, so a build after a test run changes nothing.
  [ -e build/venv/.requirements ] || environment build/venv tools/requirements/runtime.txt
else
  environment build/venv tools/requirements/runtime.txt tools/requirements/test.txt
fi
[ "$what" = environment ] || find_packages_in "$PWD/build/python" build/venv
if [ "$what" = test ]; then
  [ -n "${HEADRACE_ORACLE_PYTHON:-}" ] && [ -x "$HEADRACE_ORACLE_PYTHON" ] &&
    [ "$HEADRACE_ORACLE_PYTHON" != "$PWD/build/oracle/bin/python" ] ||
    environment build/oracle tools/requirements/oracle.txt
fi
