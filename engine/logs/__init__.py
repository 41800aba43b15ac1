"""Log lines with a name and fields: how they are made, how programs read them, and what functions print among them."""

from engine.logs.lines import bind, bound, is_noteworthy, joined, logger, of_claim, running

__all__ = ["bind", "bound", "is_noteworthy", "joined", "logger", "of_claim", "running"]
