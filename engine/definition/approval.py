"""The specification of an approval: who is asked, and how many of them must say yes (SPEC 2, SPEC 10)."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from engine import templates
from engine.definition.fields import Model, Text, Timeout, choice, described, problem
from engine.values.somebody import is_somebody

_FORM = "an e-mail address or @group"


def _check_approver(who: str) -> str:
    if not templates.is_template(who) and not is_somebody(who):
        raise problem(f"is {described(who)}; write {_FORM}")
    return who


class ApprovalSpec(Model):
    """``timeout`` in seconds; None: it waits as long as it takes.

    An approver is written as somebody in a grant is, or is a template that gives one, or a list of them.
    """

    approvers: tuple[Annotated[Text, AfterValidator(_check_approver)], ...] = Field(
        min_length=1, description='a list such as [hr-lead@example.com, "@hr-admins"]'
    )
    need: Annotated[Literal["any", "all"], choice("any", "all")] = Field("any", description="any or all")
    timeout: Timeout | None = None

    @cached_property
    def template(self) -> templates.Template:
        """Renders to what ``approvers_of`` takes."""
        return templates.compile_value(self.approvers, "approvers")


def approvers_of(rendered: Any) -> tuple[str, ...]:
    """Those who are asked, each once. Raises TemplateError where a template gave somebody who cannot be."""
    given = [who for item in rendered for who in (item if isinstance(item, list) else [item])]
    for who in given:
        if not isinstance(who, str) or not is_somebody(who):
            raise templates.TemplateError(f"an approver is {described(who)}, not {_FORM}", "approvers")
    if not given:
        raise templates.TemplateError("the list of approvers is empty, so nobody could approve", "approvers")
    return tuple(dict.fromkeys(given))
