"""The Python functions that workflows may call, by name (SPEC 2). What a module of such functions imports:

from engine.functions import function

@function("hr.badge_number")
def badge_number(account: str) -> dict: ...
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from engine.errors import SettingsError

KEY_ARGUMENT = "idempotency_key"

F = TypeVar("F", bound=Callable[..., Any])


class Registered(NamedTuple):
    """A function as the engine knows it. ``takes_key``: it has an argument named ``idempotency_key``."""

    name: str
    call: Callable[..., Any]
    signature: inspect.Signature
    takes_key: bool

    def misfit(self, args: Mapping[str, Any]) -> str | None:
        """Why it cannot be called with these named arguments, or None."""
        try:
            self.signature.bind(**args)
        except TypeError as error:
            return str(error)
        return None


_registered: dict[str, Registered] = {}


def function(name: str) -> Callable[[F], F]:
    """Make a function callable from workflows as ``name``; the function itself stays as it is.

    Raises SettingsError when another function has that name, or when it cannot be called with named arguments by a
    thread that waits for its result.
    """

    def register(call: F) -> F:
        if inspect.iscoroutinefunction(call):
            raise SettingsError(f"Function {name} is async, which the engine cannot call: make it a plain def.")
        signature = inspect.signature(call)
        kinds = {parameter.kind for parameter in signature.parameters.values()}
        if inspect.Parameter.POSITIONAL_ONLY in kinds:
            raise SettingsError(f"Function {name} has arguments without a name (before '/'): workflows pass names.")
        known = _registered.get(name)
        if known is not None and _place(known.call) != _place(call):
            raise SettingsError(
                f"Two functions are called {name}: {_place(known.call)} and {_place(call)}. Rename one of them."
            )
        _registered[name] = Registered(name, call, signature, KEY_ARGUMENT in signature.parameters)
        return call

    return register


def find_function(name: str) -> Registered | None:
    """The function that is registered as ``name``."""
    return _registered.get(name)


def function_names() -> tuple[str, ...]:
    """Every registered name, sorted."""
    return tuple(sorted(_registered))


def load_functions(modules: Sequence[str]) -> None:
    """Import the modules of the settings' ``functions``, which register theirs. Raises SettingsError.

    A module may fail with anything, so everything but the wish to stop the program is caught.
    """
    for module in modules:
        try:
            importlib.import_module(module)
        except SettingsError as error:
            raise SettingsError(f"functions: {module} cannot be used. {error}") from error
        except Exception as error:
            raise SettingsError(f"functions: {module} cannot be imported: {_cause(module, error)}") from error


def _cause(module: str, error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name and f"{module}.".startswith(f"{error.name}."):
        return "there is no such module. Write its name as in an import; its folder must be on Python's path."
    return f"{type(error).__name__}: {error}"


def _place(call: Callable[..., Any]) -> str:
    return f"{getattr(call, '__module__', '?')}.{getattr(call, '__qualname__', repr(call))}"
