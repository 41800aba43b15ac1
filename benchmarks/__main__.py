"""``python -m benchmarks [PART ...]``: all parts, or those named, as Markdown on standard output."""

from __future__ import annotations

import importlib
import sys

from benchmarks.report import machine, progress, say
from benchmarks.systems import end_orderly

PARTS = ("throughput", "kill", "growth")


def main(parts: list[str]) -> None:
    """Each part is a module of this package with a ``main``."""
    if unknown := set(parts) - set(PARTS):
        sys.exit(f"There is no part {', '.join(sorted(unknown))}. The parts: {', '.join(PARTS)}.")
    say(machine() + "\n")
    for part in parts or PARTS:
        progress(f"{part} …")
        importlib.import_module(f"benchmarks.{part}").main()


if __name__ == "__main__":
    end_orderly()
    main(sys.argv[1:])
