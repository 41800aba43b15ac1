"""The HTTP API (SPEC 8): the engine's commands and documents over HTTP, and what a monitor asks.

Routes are plain functions, which FastAPI runs in threads; only reading a body is done on the event loop.
"""
