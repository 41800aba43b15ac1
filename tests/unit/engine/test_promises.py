"""Random lives over every kind of node: nothing hangs, every offer is honoured, every plan is kept (SPEC 3.5, 4)."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.histories import OVER, Life
from tests.support.promises import any_fate, broken, broken_promises, offers, on_another_version, unlisted
from tests.support.random_graphs import any_graph


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 9))
def test_nothing_hangs_and_what_is_offered_and_planned_is_so(number: int, size: int) -> None:
    seed = random.Random(number)
    life = Life(seed, any_graph(seed, size))
    for _ in range(40):
        if life.request.request.status in OVER:
            break
        life.happen()
        assert not broken(life.request)
        now = offers(life.request)
        if now and seed.random() < 0.1:
            offer = seed.choice(now)
            if seed.random() < 0.3:
                offer = on_another_version(life.request, offer, seed)
            assert not broken_promises(life.request, offer)
            assert not unlisted(life.request, offer, any_fate(seed, life.request))
