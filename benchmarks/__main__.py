"""``python -m benchmarks [PART ...]``: all parts, or those named, as Markdown on standard output."""

from __future__ import annotations

import importlib
import subprocess
import sys

from benchmarks.report import machine, progress, say
from benchmarks.systems import ROOT, end_orderly

PARTS = ("throughput", "http", "latency", "slack", "kill", "memory", "growth")
_APART = {"slack"}  # parts that are commands of their own, with their own arguments


def main(parts: list[str]) -> None:
    """Each part is a module of this package with a ``main``."""
    if unknown := set(parts) - set(PARTS):
        sys.exit(f"There is no part {', '.join(sorted(unknown))}. The parts: {', '.join(PARTS)}.")
    say(machine() + "\n")
    for part in parts or PARTS:
        progress(f"{part} …")
        if part in _APART:
            _quote(part)
        else:
            importlib.import_module(f"benchmarks.{part}").main()


def _quote(part: str) -> None:
    said = subprocess.run([sys.executable, "-m", f"benchmarks.{part}"], cwd=ROOT, capture_output=True, text=True)
    say(f"### {part.title()}\n\n{said.stdout if said.returncode == 0 else f'none: {said.stderr}'}\n")


if __name__ == "__main__":
    end_orderly()
    main(sys.argv[1:])
