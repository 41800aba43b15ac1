"""Jinja2's sandbox, narrowed: mappings have items only, texts a few methods, and nothing grows without bound.

The names that are allowed are listed; what is not listed does not exist. So a method or filter that a later Jinja2
brings is not available before somebody has looked at how much it can produce.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, wraps
from typing import Any

from jinja2 import filters, pass_context, pass_environment
from jinja2.runtime import Context, LoopContext, StrictUndefined, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

from engine.limits import MAX_RENDERED_CHARS, MAX_TEMPLATE_LOOPS
from engine.templates.context import ADDRESS, CALLBACK_URL
from engine.templates.effort import Effort, size
from engine.templates.errors import TemplateError
from engine.templates.values import Budget, plain, text, too_large
from engine.values import strict_json

CONCAT = " concat"  # what `~` becomes; the space keeps the name out of templates' reach
WEIGHED = " weighed"  # what the parts of a comparison, and what is cut out of a list, go through
COUNTED = " counted"  # what a loop runs over
EFFORT = " effort"  # where a rendering keeps what it may still take


def _words(names: str) -> frozenset[str]:
    return frozenset(names.split())


_MAX_BITS = 4096  # of a whole number that a template makes
_MAX_DIGITS = 1233  # the same in decimal digits
_MAX_DIGITS_AFTER_POINT = 15
_TEXT_METHODS = _words(
    "capitalize casefold count endswith find index isalnum isalpha isdigit islower isspace isupper lower lstrip "
    "partition removeprefix removesuffix rfind rpartition rsplit rstrip split splitlines startswith strip swapcase "
    "title upper"
)
_LOOP_PARTS = _words("changed cycle depth first index index0 last length nextitem previtem revindex revindex0")
_TEXT_FILTERS = _words("capitalize lower title trim truncate upper wordcount")
_OTHER_FILTERS = _words(
    "abs count d default dictsort first float groupby int items last length list map max min reject rejectattr "
    "reverse select selectattr sort unique urlencode"
)


class Missing(StrictUndefined):
    """A value that is not there: anything but `is defined` and `default` raises UndefinedError naming it."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        return self._undefined_hint or f"{self._undefined_name} is not defined"


class Sandbox(ImmutableSandboxedEnvironment):
    """The environment of every template."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def getattr(self, obj: Any, attribute: str) -> Any:
        """``obj.attribute``: the item of a mapping, or one of the listed names of a text or a loop."""
        if isinstance(obj, Mapping | list | tuple | Undefined):
            return self.getitem(obj, attribute)
        names = _TEXT_METHODS if isinstance(obj, str) else _LOOP_PARTS if isinstance(obj, LoopContext) else frozenset()
        if attribute in names or (isinstance(obj, Namespace) and not attribute.startswith("_")):
            return super().getattr(obj, attribute)
        return self.undefined(obj=obj, name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """``obj[argument]``: items of mappings, lists and texts, and nothing else."""
        if isinstance(obj, Undefined):
            str(obj)  # raises: what is looked into does not exist itself
        if isinstance(obj, Mapping | list | tuple | str):
            try:
                return obj[argument]
            except (LookupError, TypeError):
                pass
        return self.undefined(obj=obj, name=argument)

    def is_safe_callable(self, obj: Any) -> bool:
        """The listed functions, and the methods that ``getattr`` hands out."""
        return obj in self.globals.values() or isinstance(getattr(obj, "__self__", None), str | LoopContext)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Refuse an operation whose result would be too large, before it is made."""
        _GUARDS[operator](left, right)
        return _effort(context).made(super().call_binop(context, operator, left, right), left, right)

    def call(self, context: Context, obj: Any, *args: Any, **kwargs: Any) -> Any:
        """Call what ``is_safe_callable`` allows."""
        given = (getattr(obj, "__self__", None), *args, *kwargs.values())
        return _effort(context).made(super().call(context, obj, *args, **kwargs), *given)


@cache
def environment() -> Sandbox:
    """The one environment; compiled templates refer to it."""
    made = Sandbox(undefined=Missing, finalize=text, optimized=False, keep_trailing_newline=True, cache_size=0)
    made.globals = {"range": _range, "namespace": Namespace, CALLBACK_URL: _callback_url}
    found: dict[str, Callable[..., Any]] = {name: filters.FILTERS[name] for name in _OTHER_FILTERS}
    found |= {name: _of_text(filters.FILTERS[name]) for name in _TEXT_FILTERS}
    found |= {
        "join": _join, "replace": _replace, "round": _round, "string": text, "sum": _sum, "tojson": _to_json,
        CONCAT: _concat,
    }  # fmt: skip
    made.filters = {name: _weighed(method) for name, method in found.items()} | {
        WEIGHED: _weighed(_itself, entry=1),
        COUNTED: _counted,
    }
    tests: dict[str, Any] = made.tests
    made.tests = {name: _weighed(test, entry=1) for name, test in tests.items()}
    return made


def _effort(context: Context) -> Effort:
    found: Effort = context[EFFORT]
    return found


_PASSED: Mapping[str, Callable[[Context], tuple[Any, ...]]] = {
    "": lambda context: (),
    "context": lambda context: (context,),
    "eval_context": lambda context: (context.eval_ctx,),
    "environment": lambda context: (context.environment,),
}


def _weighed(method: Callable[..., Any], entry: float = 16) -> Callable[..., Any]:
    """A filter or a test, counted. `map` and `select` call others for each of a list's entries. ``entry``: characters
    that an entry of a list that it is given counts as."""
    wanted = getattr(method, "jinja_pass_arg", None)
    passed = _PASSED[wanted.name if wanted else ""]

    def weighed(context: Context, *args: Any, **kwargs: Any) -> Any:
        effort = _effort(context)
        effort.made(None, *args, *kwargs.values(), entry=entry)
        return effort.made(method(*passed(context), *args, **kwargs))

    return pass_context(weighed)


def _guard_sum(left: Any, right: Any) -> None:
    if size(left) + size(right) > MAX_RENDERED_CHARS:
        raise too_large()


def _guard_product(left: Any, right: Any) -> None:
    for sequence, times in ((left, right), (right, left)):
        if size(sequence) and isinstance(times, int) and size(sequence) * times > MAX_RENDERED_CHARS:
            raise too_large()
    if isinstance(left, int) and isinstance(right, int):
        _guard_number(left.bit_length() + right.bit_length() - 1)


def _guard_power(left: Any, right: Any) -> None:
    if isinstance(left, int) and isinstance(right, int):
        _guard_number((left.bit_length() - 1) * abs(right))


def _guard_number(bits: int) -> None:
    """``bits``: what the number has at least, and no less than half of what it has."""
    if bits > _MAX_BITS:
        raise TemplateError(f"the template makes a number of more than {_MAX_DIGITS:,} digits")


def _guard_remainder(left: Any, right: Any) -> None:
    if isinstance(left, str):
        raise TemplateError("`%` is for numbers; put texts together with ~")


_GUARDS: dict[str, Callable[[Any, Any], None]] = {
    "+": _guard_sum,
    "*": _guard_product,
    "**": _guard_power,
    "%": _guard_remainder,
}


def _of_text(method: Callable[..., Any]) -> Callable[..., Any]:
    """A filter of Jinja2's that turns its value into text, given our text: bounded, and JSON where it is no text."""
    if getattr(method, "jinja_pass_arg", None) is None:
        return wraps(method)(lambda value, *args, **kwargs: method(text(value), *args, **kwargs))
    return wraps(method)(lambda env, value, *args, **kwargs: method(env, text(value), *args, **kwargs))


def _itself(value: Any) -> Any:
    return value


def _concat(first: Any, *rest: Any) -> str:
    budget, parts = Budget(), []
    for value in (first, *rest):
        parts.append(text(value))
        budget.spend(len(parts[-1]))
    return "".join(parts)


@pass_context
def _counted(context: Context, values: Iterable[Any]) -> Iterator[Any]:
    effort = _effort(context)
    for value in values:
        effort.turn()
        yield value


@pass_context
def _callback_url(context: Context, node: str) -> str:
    """The address of a callback node. That ``node`` is one was checked when the template was read."""
    address: Callable[[str], str] | None = context.get(ADDRESS)
    if address is None:
        raise TemplateError(f"`{CALLBACK_URL}` has no address to give; set api.public_url in the settings")
    return address(node)


def _range(*bounds: int) -> range:
    """range, of at most ``MAX_TEMPLATE_LOOPS`` numbers."""
    made = range(*bounds)
    if len(made) > MAX_TEMPLATE_LOOPS:
        raise TemplateError(f"range gives more than {MAX_TEMPLATE_LOOPS:,} numbers")
    return made


def _join(values: Iterable[Any], separator: str = "") -> str:
    budget, parts = Budget(), []
    for value in values:
        parts.append(text(value))
        budget.spend(len(parts[-1]) + len(separator))
    return separator.join(parts)


def _replace(value: Any, old: str, new: str, count: int = -1) -> str:
    source = text(value)
    if len(source) + source.count(old) * len(new) > MAX_RENDERED_CHARS:
        raise too_large()
    return source.replace(old, new, count)


def _round(value: float, precision: int = 0) -> float:
    if abs(precision) > _MAX_DIGITS_AFTER_POINT:
        raise TemplateError(f"round takes at most {_MAX_DIGITS_AFTER_POINT} digits")
    return round(value, precision)


@pass_environment
def _sum(env: Sandbox, values: Iterable[Any], attribute: str | int | None = None) -> float:
    total: float = 0
    for value in values if attribute is None else map(filters.make_attrgetter(env, attribute), values):
        if isinstance(value, Undefined):
            str(value)  # raises, naming it
        if not isinstance(value, int | float):
            raise TemplateError("sum adds numbers only; put texts together with join")
        total += value
    return total


def _to_json(value: Any) -> str:
    return strict_json.dumps(plain(value, Budget()))
