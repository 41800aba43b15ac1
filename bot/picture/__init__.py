"""The Progress Path as a picture: the graph of a request's workflow with the status of each step, as PNG."""

from bot.picture.picture import picture

__all__ = ["picture"]
