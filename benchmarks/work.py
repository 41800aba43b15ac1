"""A worker of one of the systems: ``python -m benchmarks.work MODULE URL VARIANT``, until it is ended."""

from __future__ import annotations

import sys

from benchmarks.systems import load

if __name__ == "__main__":
    load(sys.argv[1]).work(sys.argv[2], sys.argv[3])
