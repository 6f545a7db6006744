"""Knowledge is an axis of its own: asked with less of it, every answer is the one of then."""

from __future__ import annotations

import sqlite3

from store import evidence
from store.instants import MINUTE_MS
from store.journal import CarriedItem, Note
from store.verdict import judge_verdict
from store.verdict_form import verdict_json
from tests.store.verdict_world import BASELINE, POSTFIX, World, count, runbook_text


def everything() -> World:
    """A small case with every kind of row that a verdict looks at, each stored by a transaction of its own."""
    probes = 'window = "30m"\n[[trip]]\nkind = "probe"\nroutes = ["/a"]\nexpect = [200]'
    trend = 'window = "30m"\n[[trip]]\nkind = "trend"\nsignatures = ["x"]'
    signals = {"one": ("a", count("x", "g")), "trend": ("a", trend), "two": ("b", probes)}
    world = World(runbook_text({"x": 'role = "target"', "g": ""}, signals))
    start = world.seq
    world.mark("deploy", BASELINE[0])
    world.mark("deploy", BASELINE[0] - 1)
    world.mark("deploy", BASELINE[0])
    world.window("postfix", BASELINE)
    world.window("postfix", (BASELINE[0], BASELINE[0] + 1))
    for span in (BASELINE, (BASELINE[1], POSTFIX[0]), POSTFIX):
        old = world.collect("a", span, texts={"x": "older"})
        collection = world.collect("a", span)
        for number in range(8 if span == BASELINE else 1):
            world.match(collection, "x", span[0] + number * MINUTE_MS, certain=number != 7)
        world.match(old, "x", span[0] - 1, key="early")
        world.match(collection, "x", span[0] + 1, key="early")
        for minute in range(span[0], span[1], MINUTE_MS):
            world.add(evidence.Traffic(collection, "a", minute, "/", 9))
        wrong = world.collect("a", span)
        world.match(wrong, "g", span[0] + 5)
        world.traffic(wrong, (span[0], span[0] + MINUTE_MS), 500)
        world.retract(wrong)
        world.collect("a", span, status="failed")
        lost = world.collect("a", span, status=None)
        world.add(evidence.Coverage(lost, "a", span[0], span[1], span[1] + 1))
        world.add(evidence.CollectionEnd(lost, "truncated", "", span[1]))
    for route, status in (("/a", 200), ("/b", 0)):
        world.probe(world.collect("b", POSTFIX), POSTFIX[0], route, status)
    world.retract(world.collect("b", POSTFIX))
    item = world.add(CarriedItem("watch", None, "/b 000", "before.db"))
    world.add(Note(0, "kim", None, "settled", None, f"carried_item:{item}"))
    world.first = start
    return world


def known_then(world: World, known: int) -> sqlite3.Connection:
    """The case as it was after a transaction: everything later is taken out."""
    then = sqlite3.connect(":memory:", isolation_level=None)
    world.db.backup(then)
    for (table,) in then.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%seq %'"
    ).fetchall():
        then.execute(f'DELETE FROM "{table}" WHERE seq > ?', (known,))
    return then


def test_asked_with_less_knowledge_the_answer_is_that_of_then() -> None:
    world = everything()
    seen = set()
    for known in range(world.first, world.seq + 1):
        question = world.question(known=known)
        now = judge_verdict(world.db, question)
        # The case of then is asked for all that it holds, so that a transaction at the very edge is not left out of both.
        then = judge_verdict(known_then(world, known), question._replace(known_seq=world.seq + 1))
        assert {**verdict_json(now), "known_seq": 0} == {**verdict_json(then), "known_seq": 0}, known
        seen.add((now.verdict, now.reason, now.next.attempt, len(now.watch_items), now.shortest_ms))
    assert len(seen) > 8
