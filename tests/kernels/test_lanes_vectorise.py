"""Every lane of every op runs in vectors: the compiled loops are disassembled and looked at."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("HEADRACE_BUILD", ROOT / "build"))
OBJECTS = BUILD / "src/CMakeFiles/headrace_ops.dir"
# No processor divides integers in vectors, fmod is exact and has no vector form, integer powers loop. TensorFlow's
# kernels of these are scalar as well.
SCALAR = {"RealDiv", "Div", "TruncateDiv", "FloorDiv", "FloorMod", "Mod", "TruncateMod", "Pow"}
SCALAR_CALLS = {"fmod", "fmodf"}


def lane_loops(source: Path):
    """Yields the op, the signature and the disassembly of each lane loop for AVX-512 in the object of a source file."""
    declared = re.findall(r'DEFINE_OP\("(\w+)"\)', source.read_text())
    built = OBJECTS / source.relative_to(ROOT / "src").with_name(source.name + ".o")
    text = subprocess.run(
        ["objdump", "-drC", "--no-show-raw-insn", str(built)], capture_output=True, text=True, check=True
    ).stdout
    for block in text.split("\n\n"):
        name = re.search(r"^[0-9a-f]+ <(.*LaneLoop<.*>::Avx512\(.*)>:$", block, re.MULTILINE)
        if name and ".cold" not in name[1]:
            number = re.search(r"op_registration_(\d+)", name[1])
            yield (
                declared[int(number[1])] if number else name[1],
                name[1].rsplit(">, ", 1)[-1].split(">::Avx512")[0],
                block,
            )


def scalar_calls(block: str) -> set[str]:
    """The library functions that a loop calls for one number and never for a vector of 64 bytes."""
    called = set(re.findall(r"R_X86_64_(?:PLT32|GOTPCRELX?)\s+(\w+)", block))
    vectors = {re.sub(r"_ZGVe(?:N16|N8)v+_", "", name) for name in called if name.startswith("_ZGVe")}
    return {name for name in called if not name.startswith("_ZGV")} - vectors


@pytest.mark.skipif(platform.machine() != "x86_64" or not shutil.which("objdump"), reason="reads x86 code")
def test_every_lane_runs_in_vectors():
    loops = 0
    scalar = []
    for source in sorted((ROOT / "src/ops").glob("**/*.cc")):
        for op, signature, block in lane_loops(source):
            loops += 1
            calls = scalar_calls(block)
            if ("%zmm" in block or "%ymm" in block) and not calls:
                continue
            if op in SCALAR and calls <= SCALAR_CALLS:
                continue
            scalar.append(f"{op} of {signature}" + (f" calls {', '.join(sorted(calls))}" if calls else ""))
    assert loops > 200, "the loops were not found"
    assert not scalar, "these lanes run one number at a time (kernels/lanes.h, Select, says why that happens):\n" + (
        "\n".join(scalar)
    )
