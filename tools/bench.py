"""Runs the workloads under two interpreters in turn and reports the ratio pair by pair.

usage: python tools/bench.py [--ops] --ours PYTHON --peer PYTHON [--rounds N] [--output FILE] [NAME...]

Each interpreter provides `import tensorflow`: ours is Headrace's, the peer's is TensorFlow 2.15. They alternate, so
that a machine whose speed drifts slows both; the ratio is above 1 where Headrace is better, whatever the unit.
With --ops it is single ops instead (bench/ops.py), the best of the rounds of each.
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
    result = subprocess.run(
        [python, str(workloads), name, "--taxi", str(taxi)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    for line in result.stdout.splitlines():
        if line.startswith(name + " "):
            _, value, unit = line.split()
            return float(value), unit
    raise SystemExit(f"{name} failed under {python} (exit {result.returncode}):\n{result.stderr[-4000:]}")


def run_ops(python: str, path: str, names: list[str]) -> dict[str, float]:
    """Times single ops in one process; returns nanoseconds an element by name."""
    environment = {**os.environ, "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"}
    result = subprocess.run(
        [python, str(ROOT / "bench/ops.py"), *names], env=environment, capture_output=True, text=True, check=True
    )
    return {name: float(value) for name, value, _ in (line.split() for line in result.stdout.splitlines())}


def compare_ops(arguments: argparse.Namespace) -> list[str]:
    """The table of single ops, a row each."""
    ours: dict[str, float] = {}
    peers: dict[str, float] = {}
    for _ in range(arguments.rounds):
        for best, python, path in ((peers, arguments.peer, ""), (ours, arguments.ours, arguments.ours_path)):
            for name, value in run_ops(python, path, arguments.names).items():
                best[name] = min(value, best.get(name, value))
    lines = ["| op | Headrace, ns an element | TensorFlow 2.15 | ratio |", "|---|---|---|---|"]
    for name, own in ours.items():
        peer = f"{peers[name]:.3f} | {peers[name] / own:.2f}" if name in peers else "absent | -"
        lines.append(f"| {name} | {own:.3f} | {peer} |")
    print("\n".join(lines), flush=True)
    return lines


def main() -> None:
    """Prints a table, one row a workload, as the rows come."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--ops", action="store_true", help="time single ops instead of whole workloads")
    parser.add_argument("--ours", default=str(ROOT / "build/venv/bin/python"))
    parser.add_argument("--ours-path", default=str(ROOT / "build/python"), help="PYTHONPATH of our interpreter")
    parser.add_argument(
        "--peer", default=os.environ.get("HEADRACE_ORACLE_PYTHON", str(ROOT / "build/oracle/bin/python"))
    )
    parser.add_argument("--workloads", type=pathlib.Path, default=ROOT / "bench/workloads.py")
    parser.add_argument(
        "--taxi",
        type=pathlib.Path,
        default=pathlib.Path(os.environ.get("HEADRACE_TAXI_DATA", str(ROOT.parent / "shared/data/taxi"))),
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=pathlib.Path, help="also write the table here")
    arguments = parser.parse_args()

    if arguments.ops:
        lines = compare_ops(arguments)
        if arguments.output:
            arguments.output.write_text("\n".join(lines) + "\n")
        return
    lines = [
        "| workload | Headrace (median) | TensorFlow 2.15 (median) | unit | ratio: median (min - max) |",
        "|---|---|---|---|---|",
    ]
    print("\n".join(lines), flush=True)
    for name in arguments.names or DEFAULT_NAMES:
        ours, peers, ratios, unit = [], [], [], ""
        for _ in range(arguments.rounds):
            peer, unit = run(arguments.peer, "", arguments.workloads, name, arguments.taxi)
            own, _ = run(arguments.ours, arguments.ours_path, arguments.workloads, name, arguments.taxi)
            ours.append(own)
            peers.append(peer)
            ratios.append(peer / own if unit in LOWER_IS_BETTER else own / peer)
        lines.append(
            f"| {name} | {statistics.median(ours):.6g} | {statistics.median(peers):.6g} | {unit} | "
            f"{statistics.median(ratios):.2f} ({min(ratios):.2f} - {max(ratios):.2f}) |"
        )
        print(lines[-1], flush=True)
    if arguments.output:
        arguments.output.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    sys.exit(main())
