"""The specification of a decision: ordered conditions and a default (SPEC 2, SPEC 10)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from pydantic import Field, RootModel, model_validator

from engine import templates
from engine.definition.fields import Model, Target, problem


def _check_literal(when: Any) -> None:
    """A `when` without a template is true or false, or somebody forgot the braces."""
    try:
        templates.truth(when)
    except templates.TemplateError:
        meant = when if isinstance(when, str) and when else "request.input.age > 17"
        raise problem(f'has a `when` that is no condition; write it as "{{{{ {meant} }}}}"') from None


class Case(Model):
    """``{when, next}``, or, as the last of a decision, ``{default}``."""

    when: Any = None
    next: Target | None = Field(None, description="the id of a node, or end")
    default: Target | None = Field(None, description="the id of a node, or end")

    @model_validator(mode="after")
    def _is_one_form(self) -> Case:
        form = (self.when is not None, self.next is not None, self.default is not None)
        if form not in ((True, True, False), (False, False, True)):
            raise problem('is neither form of a case; write {when: "{{ … }}", next: <node>} or {default: <node>}')
        if self.when is not None and not (isinstance(self.when, str) and templates.is_template(self.when)):
            _check_literal(self.when)
        return self

    @cached_property
    def template(self) -> templates.Template:
        """The condition; take its ``truth``."""
        return templates.compile_value(self.when, "when")

    @property
    def target(self) -> str:
        return self.next or self.default or ""


class DecisionSpec(RootModel[tuple[Case, ...]]):
    """Ordered conditions, of which the first that is true wins, and a default."""

    model_config = {"frozen": True}

    @model_validator(mode="after")
    def _ends_with_default(self) -> DecisionSpec:
        defaults = [place for place, case in enumerate(self.root) if case.default is not None]
        if not defaults:
            raise problem("has no default; end the list with {default: <node>}")
        if defaults != [len(self.root) - 1]:
            raise problem("goes on after its default, which always wins; write one {default: <node>}, as the last case")
        return self

    @property
    def cases(self) -> tuple[Case, ...]:
        """The conditions, without the default."""
        return self.root[:-1]

    @property
    def default(self) -> str:
        """Where it leads when no condition is true."""
        return self.root[-1].target

    def way(self, context: Mapping[str, Any]) -> str:
        """The path of the first condition that is true. Raises TemplateError."""
        return next((case.target for case in self.cases if case.template.truth(context)), self.default)
