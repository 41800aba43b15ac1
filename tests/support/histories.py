"""Random lives of a request, with everything that can happen to one: what an audit must find nothing wrong with."""

from __future__ import annotations

import random
from contextlib import suppress
from functools import partial

from engine.errors import ConfirmationNeeded, LeaseLost, Refused
from engine.graph import FAILURE, OPEN_KINDS, SUCCESS, Graph
from engine.records import Approval, Step
from engine.rules.allowed import Action, request_actions, step_actions
from engine.rules.decide import options
from engine.rules.decide.block import begin_inner, end_inner
from engine.rules.decide.finish import Finished, finish, late
from engine.rules.decide.lost import give_back, recover
from engine.rules.decide.send import send
from engine.rules.decide.waits import answer, call_back, time_is_up
from engine.rules.fence import is_open_wait
from engine.rules.idempotency_keys import idempotency_key
from engine.rules.outcomes import Ended, Failure, Outcome, Success, Waits
from engine.states import CallEffect, RequestStatus
from tests.support.memory import MemoryRequest, act
from tests.support.random_graphs import any_graph, edited

APPROVERS = ("Hanna@example.com", "@leads", "key:ci")
OVER = (RequestStatus.COMPLETED, RequestStatus.REJECTED, RequestStatus.WITHDRAWN)


def live(seed: random.Random, size: int, happenings: int = 40) -> MemoryRequest:
    """A request with whatever happens to it. Several things may happen at one moment."""
    life = Life(seed, any_graph(seed, size))
    for _ in range(happenings):
        if life.request.request.status in OVER:
            break
        life.happen()
    if seed.random() < 0.3 and life.request.due:
        life.request.claim(seed.choice(life.request.due))  # it runs
    return life.request


class Life:
    """One request, and chance."""

    def __init__(self, seed: random.Random, graph: Graph) -> None:
        self.seed, self.request = seed, MemoryRequest(graph)
        self._deaths = seed.choice((10, 10, 10, 400))

    def happen(self) -> None:
        """One thing."""
        request, seed = self.request, self.seed
        request.tick = seed.choice((0.0, 1.0, 1.0))
        if seed.random() < 0.03:
            request.now -= seed.uniform(0.0, 3600.0)  # somebody sets the clock back
        waits = [node for node, step in request.steps.items() if is_open_wait(step)]
        if seed.random() < 0.05:
            self._call_back(seed.choice(list(request.steps)))
        if waits and seed.random() < 0.5:
            self._end_wait(seed.choice(waits))
        elif request.due and seed.random() < 0.85:
            self._run(seed.choice(request.due))
        else:
            self._person()

    def _run(self, node: str) -> None:
        """A worker takes a step; its call may leave, and its attempt ends somehow."""
        self.request.tick = 1.0  # nothing ends in the moment in which it began
        number = self.request.claim(node)
        inner = self.request.graph.inner.get(node, ())
        if not all(self._run_inner(node, number, step.id) for step in inner):
            return
        sent = self._sent(node, number)
        self._meanwhile()
        endings = (self._conclude, self._die, self._return)
        self.seed.choices(endings, (85, self._deaths, 5))[0](node, number, sent)

    def _meanwhile(self) -> None:
        if self.seed.random() < 0.15:
            self.happen()
            self.request.tick = 1.0

    def _sent(self, node: str, number: int) -> bool:
        """Whether its call has left: it may be stopped, since nobody had confirmed another one, or come too late.
        Functions send nothing, unless they take the key."""
        step = self.request.steps[node]
        if self.seed.random() > {"action": 0.8, "function": 0.1}.get(step.kind, 0.0):
            return False
        key = idempotency_key(1, node, step.visit, step.key_salt, self.seed.choice("aaab"))
        try:
            self.request.do(partial(send, node=node, attempt=number, key=key))
        except (ConfirmationNeeded, LeaseLost):
            return False
        return True

    def _conclude(self, node: str, number: int, sent: bool) -> None:
        done = self._done(node, number, sent)
        if isinstance(done.outcome, Failure) and self.seed.random() < 0.4 and not done.outcome.must_block:
            done = done._replace(retry_in=self.seed.uniform(0, 3))
        self.request.do(partial(finish, done=done))

    def _done(self, node: str, number: int, sent: bool) -> Finished:
        """What the attempt came to."""
        kind = self.request.steps[node].kind
        if kind in OPEN_KINDS:
            return Finished(node, number, self._waits(kind))
        outcome = self._outcome(node, number, sent)
        return Finished(node, number, outcome)

    def _outcome(self, node: str, number: int, sent: bool) -> Ended:
        seed, graph = self.seed, self.request.graph
        if seed.random() < 0.7:
            outlets = sorted({edge.outlet for edge in graph.outgoing.get(node, ())} - {FAILURE}) or [SUCCESS]
            return Success("{}", seed.choice(outlets), CallEffect.ACCEPTED if sent else None)
        stopped = self.request.steps[node].kind == "action" and not sent and seed.random() < 0.5
        call = CallEffect.NOT_SENT if stopped else seed.choice(tuple(CallEffect)) if sent else None
        must_block = stopped or seed.random() < 0.3
        return Failure(f"error {number}\0", call, must_block=must_block, second_effect=stopped)

    def _waits(self, kind: str) -> Waits:
        seconds = self.seed.uniform(0, 9) if kind == "delay" else self.seed.choice((None, 0.0, 5.0))
        approvers = tuple(self.seed.sample(APPROVERS, k=self.seed.randint(1, 3)))
        approval = Approval(approvers, self.seed.choice(("any", "all"))) if kind == "approval" else None
        return Waits(seconds=seconds, approval=approval)

    def _die(self, node: str, number: int, sent: bool) -> None:
        """Its worker is gone; what it comes to after that is late."""
        self.request.do(partial(recover, node=node, attempt=number, jitter=self.seed.random()))
        if self.seed.random() < 0.5:
            late: Outcome = self.seed.choice((Success("{}"), Failure("late", CallEffect.UNKNOWN), Waits()))
            self.request.do(partial(finish, done=Finished(node, number, late)))

    def _return(self, node: str, number: int, sent: bool) -> None:
        self.request.do(partial(give_back, node=node, attempt=number))

    def _run_inner(self, block: str, number: int, node: str) -> bool:
        """The next step of a block. False when the block is not to be concluded as any other step: it has failed with
        this step, or it is another worker's."""
        own = next(a for a in self.request.attempts if (a.node, a.number) == (block, number))
        begin = partial(begin_inner, outer=own, node=node)
        try:
            _, begun = self.request.do(begin)
        except LeaseLost:
            return False
        sent = self._sent(node, begun.number)
        self._meanwhile()
        if self.seed.random() < 0.15:
            self.seed.choice((self._die, self._return))(block, number, sent)
        done = self._done(node, begun.number, sent)
        outcome = done.outcome
        assert not isinstance(outcome, Waits)
        again = self.seed.choice((None, 1.0)) if isinstance(outcome, Failure) and not outcome.must_block else None
        done = done._replace(retry_in=again)
        try:
            self.request.do(partial(end_inner, block=block, attempt=number, done=done, outcome=outcome))
        except LeaseLost:
            self.request.do(partial(late, done=done, outcome=outcome))
            return False
        if isinstance(outcome, Failure):
            failed = outcome._replace(error=f"{node}: {outcome.error}")
            self.request.do(partial(finish, done=Finished(block, number, failed, retry_in=again)))
            return False
        return True

    def _end_wait(self, node: str) -> None:
        """Its time is over, somebody answers, or the outside system calls."""
        step, request = self.request.steps[node], self.request
        if step.wakes_at is not None and self.seed.random() < 0.5:
            request.now = max(request.now, step.wakes_at)
            request.do(partial(time_is_up, node=node, attempt=step.attempt))
        elif step.approval is not None:
            names = frozenset(name.lower() for name in self.seed.sample(APPROVERS, k=self.seed.randint(1, 2)))
            yes = self.seed.random() < 0.7
            with suppress(Refused):
                request.do(partial(answer, act=act(reason="looked at it"), node=node, yes=yes, names=names))
        else:
            self._call_back(node)

    def _call_back(self, node: str) -> None:
        """It may have been a callback in another version, so that somebody has its address."""
        step = self.request.steps[node]
        with suppress(Refused):
            self.request.do(partial(call_back, node=node, issue=step.key_salt, result="{}"))

    def _person(self) -> None:
        """One act of those that are offered now; some are refused for want of a confirmation."""
        request, seed = self.request, self.seed
        offers = [(one, n) for n, step in request.steps.items() for one in self._offers(step)]
        offers += [(one, "") for one in request_actions(request.request, request.steps)]
        if offers:
            with suppress(Refused):
                self._act(*seed.choice(offers))

    def _offers(self, step: Step) -> tuple[Action, ...]:
        known = step.node in self.request.graph.rows  # an earlier version may have had others
        return step_actions(self.request.request, step, self.request.graph) if known else ()

    def _act(self, action: Action, node: str) -> None:
        seed, request = self.seed, self.request
        who = act(reason="because", confirmed=seed.random() < 0.6)
        if action is Action.INPUT:
            request.do(partial(options.provide_input, act=who, node=node, result="{}"))
        elif action is Action.CONTINUE:
            request.do(partial(options.continue_flow, act=who))
        elif action is Action.WITHDRAW:
            if seed.random() < 0.1:
                request.do(partial(options.withdraw, act=who))
        else:
            flow = action is Action.FLOW
            how = partial(options.retrigger, act=who, node=node, flow=flow, new_key=seed.random() < 0.2)
            other = (request.request.workflow_version + 1, edited(request.graph, seed))
            ticked = not flow and seed.random() < 0.5
            request.do(partial(how, update_status=ticked, onto=other if seed.random() < 0.2 else None))
