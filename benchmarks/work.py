"""A worker of one of the systems: ``python -m benchmarks.work MODULE URL VARIANT``, until it is ended."""

from __future__ import annotations

import sys

from benchmarks import retrigger_worker
from benchmarks.systems import load

if __name__ == "__main__":
    name, url, variant = sys.argv[1:]
    (retrigger_worker if name == "retrigger" else load(name)).work(url, variant)
