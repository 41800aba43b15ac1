"""Functions that print and log, as their authors do without a thought of the worker's log."""

from __future__ import annotations

import logging
import os
import sys

from engine.functions import function


@function("talk.say")
def say(text: str) -> None:
    print(f"printed {text}\nand {os.environ.get('TALK_TOKEN')}")  # noqa: T201  # that is what it is for
    print(f"complained {text}", file=sys.stderr)  # noqa: T201  # the same
    logging.getLogger("talk").info("logged %s", text)
    print(f"begun {text}", end="")  # noqa: T201  # the same
