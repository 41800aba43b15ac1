"""What the demo tells in the terminal: what is running, where to click, what to try."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from bot.words import counted
from engine.commands.documents import RequestDocument
from engine.states import AttemptKind
from engine.texts import PROVIDE_INPUT, RETRIGGER_FLOW
from retrigger.cli.session import Session, command_line
from retrigger.cli.words import REQUEST_STYLES, plain
from retrigger.demo import people
from retrigger.demo.scenes import WORKFLOW
from retrigger.demo.stage import Stage


def show(session: Session, stage: Stage, requests: Sequence[int]) -> None:
    """About a dozen lines."""
    documents = stage.documents(requests)
    out = session.out
    for line in (*_places(stage), Text()):
        out.print(line, no_wrap=True, overflow="ignore", crop=False)
    for line in (*_requests(documents), Text()):
        out.print(line, no_wrap=True, overflow="ellipsis")
    for line in _tries(stage, documents):
        out.print(line, no_wrap=True, overflow="ignore", crop=False)


def _places(stage: Stage) -> Iterator[Text]:
    if stage.slack is not None:
        channel = f"{stage.slack.url}/archives/{people.CHANNEL_ID}"
        yield Text.assemble(("Slack            ", "bold"), (channel, "cyan"), f"  (#{people.CHANNEL_NAME})")
    else:
        yield Text.assemble(("Slack            ", "bold"), f"not here. {stage.no_slack}")
    switches = "  (switches, and a ledger of their calls)"
    yield Text.assemble(("Outside systems  ", "bold"), (stage.outside.url, "cyan"), switches)


def _requests(documents: Sequence[RequestDocument]) -> Iterator[Text]:
    widest = max(len(document.title) for document in documents)
    for document in documents:
        status = (f"{document.status.label:<11}", REQUEST_STYLES[document.status])
        yield Text.assemble(f"{document.id}  {plain(document.title):<{widest}}  ", status, f"  {_why(document)}")


def _why(document: RequestDocument) -> str:
    """What a person would want to know of a request beside its status."""
    if document.blocked:
        step = document.step(document.blocked[0])
        return f"{document.blocked[0]}: {plain(step.error or '') if step else ''}"
    retries = sum(attempt.kind is AttemptKind.RETRY for step in document.steps for attempt in step.attempts)
    return f"after {counted(retries, 'retry', 'retries')}" if retries else ""


def _tries(stage: Stage, documents: Sequence[RequestDocument]) -> Iterator[Text]:
    hanna, omar, vera = (person.real_name for person in (people.HANNA, people.OMAR, people.VERA))
    again, by_hand = documents[2], documents[3]
    yield Text("What to try", "bold")
    if stage.slack is None:
        commands = [
            command_line("show", again.id),
            command_line("flow", again.id, *again.blocked),
            command_line("input", by_hand.id, *by_hand.blocked, "--json", _account(by_hand)),
        ]
    else:
        commands = [command_line("submit", WORKFLOW, "--input", f"@{stage.another_input}")]
        yield Text(f'1. Open Slack. {hanna} and {omar} may act, {vera} may not ("Act as").')
        yield Text(f"2. {again.id}: press {RETRIGGER_FLOW}. It completes; see its thread.")
        yield Text(f"3. {by_hand.id}: press {PROVIDE_INPUT}, with the account's id from Identity's ledger.")
        yield Text("4. Put a system down on its page, and submit another from another terminal:")
    variables = (f"RETRIGGER_CONFIG={stage.settings_file}", f"RETRIGGER_USER={people.HANNA.email}")
    for line in (*(f"export {variable}" for variable in variables), *commands):
        yield Text(f"   {line}")
    yield Text("Ctrl-C ends everything.", "dim")


def _account(document: RequestDocument) -> str:
    return f'{{"id": "acc-1004", "email": "{document.input["email"]}"}}'
