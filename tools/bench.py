"""Runs the workloads under two interpreters in turn and reports the ratio pair by pair.

usage: python tools/bench.py --ours PYTHON --peer PYTHON [--rounds N] [--output FILE] [NAME...]

Each interpreter provides `import tensorflow`: ours is Headrace's, the peer's is TensorFlow 2.15. They alternate, so
that a machine whose speed drifts slows both; the ratio is above 1 where Headrace is better, whatever the unit.
"""
from __future__ import annotations

import argparse
import os
import pathlib
import statistics
import subprocess
import sys

LOWER_IS_BETTER = {"s", "us"}
ROOT = pathlib.Path(__file__).resolve().parent.parent
DEFAULT_NAMES = ["import_time", "session_overhead", "matmul", "csv_pipeline", "taxi_dnn", "taxi_wide_deep"]


def run(python: str, path: str, workloads: pathlib.Path, name: str, taxi: pathlib.Path) -> tuple[float, str]:
    """Runs one workload in a process of its own; returns its value and unit."""
    environment = {**os.environ, "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"}
    result = subprocess.run([python, str(workloads), name, "--taxi", str(taxi)], env=environment, capture_output=True,
                            text=True, check=False)
    for line in result.stdout.splitlines():
        if line.startswith(name + " "):
            _, value, unit = line.split()
            return float(value), unit
    raise SystemExit(f"{name} failed under {python} (exit {result.returncode}):\n{result.stderr[-4000:]}")


def main() -> None:
    """Prints a table, one row a workload, as the rows come."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=DEFAULT_NAMES)
    parser.add_argument("--ours", default=str(ROOT / "build/venv/bin/python"))
    parser.add_argument("--ours-path", default=str(ROOT / "build/python"), help="PYTHONPATH of our interpreter")
    parser.add_argument("--peer", default=os.environ.get("HEADRACE_ORACLE_PYTHON",
                                                         str(ROOT / "build/oracle/bin/python")))
    parser.add_argument("--workloads", type=pathlib.Path, default=ROOT / "bench/workloads.py")
    parser.add_argument("--taxi", type=pathlib.Path, default=pathlib.Path(
        os.environ.get("HEADRACE_TAXI_DATA", str(ROOT.parent / "shared/data/taxi"))))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=pathlib.Path, help="also write the table here")
    arguments = parser.parse_args()

    lines = ["| workload | Headrace (median) | TensorFlow 2.15 (median) | unit | ratio: median (min - max) |",
             "|---|---|---|---|---|"]
    print("\n".join(lines), flush=True)
    for name in arguments.names:
        ours, peers, ratios, unit = [], [], [], ""
        for _ in range(arguments.rounds):
            peer, unit = run(arguments.peer, "", arguments.workloads, name, arguments.taxi)
            own, _ = run(arguments.ours, arguments.ours_path, arguments.workloads, name, arguments.taxi)
            ours.append(own)
            peers.append(peer)
            ratios.append(peer / own if unit in LOWER_IS_BETTER else own / peer)
        lines.append(f"| {name} | {statistics.median(ours):.6g} | {statistics.median(peers):.6g} | {unit} | "
                     f"{statistics.median(ratios):.2f} ({min(ratios):.2f} - {max(ratios):.2f}) |")
        print(lines[-1], flush=True)
    if arguments.output:
        arguments.output.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    sys.exit(main())
