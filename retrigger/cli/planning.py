"""A plan, told before anything is done (SPEC 4)."""

from __future__ import annotations

import click

from engine.rules.allowed import Action
from engine.rules.plan import Key, Plan, PlannedStep

_KEYS = {Key.FIRST: "never called before", Key.SAME: "under the same key", Key.NEW: "under a new key"}


def show_plan(plan: Plan) -> None:
    """Print which steps would run, and which outside calls would be repeated."""
    if plan.action is Action.WITHDRAW:
        click.echo(f"REQ-{plan.request_id} would be Withdrawn; nothing of it would run any more.")
        _show_stops(plan)
        _show_needs(plan)
        return
    if plan.action is Action.INPUT:
        click.echo(f"{plan.node} would be completed with the input, without a call.")
    if plan.runs:
        click.echo("Would run:")
    for run in plan.runs:
        click.echo(f"  {_line(run)}")
    if not plan.runs and plan.action is not Action.INPUT:
        click.echo("No step would run.")
    _show_stops(plan)
    _show_needs(plan)


def _show_needs(plan: Plan) -> None:
    if plan.needs_confirmation:
        click.echo("The earlier call may have taken effect, so this needs --confirm --reason TEXT.")
    elif plan.needs_reason:
        click.echo("This needs --reason TEXT.")


def _show_stops(plan: Plan) -> None:
    if plan.stops:
        click.echo(f"Would be stopped or taken back: {', '.join(plan.stops)}.")


def _line(run: PlannedStep) -> str:
    facts = [f"{run.node} ({run.kind})"]
    if not run.sure:
        facts.append("depending on what comes before it")
    if run.earlier is not None:
        facts.append(f"its last call: {run.earlier.label}")
    if run.key is not None:
        facts.append(_KEYS[run.key])
    if run.repeats:
        facts.append("would repeat a call that may have taken effect")
    return ", ".join(facts)
