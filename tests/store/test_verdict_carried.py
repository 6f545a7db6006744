"""Watch items of the case before: open until a note settles them, and a reason to widen the scope when they are here again."""

from __future__ import annotations

from store.journal import CarriedItem, Note
from store.verdict_form import tell_verdict, verdict_json
from tests.store.verdict_world import BASELINE, POSTFIX, World, at, count, improved_world, rule, runbook_text

CONFIRMED = ("confirmed", "all_targets_improved")
SLOT = "/api/cron/slot"


def carry(world: World, text: str, *, kind: str = "watch", signal: str | None = None) -> int:
    """What the case before left open."""
    return world.add(CarriedItem(kind, signal, text, "before.db 7:abc verdict, probe"))


def test_a_carried_watch_item_is_open_until_a_note_settles_it() -> None:
    world = improved_world()
    item = carry(world, "/api/cron/slot 000", signal="one")
    verdict = world.judge()
    assert rule(verdict) == ("partially_confirmed", "watch_item")
    assert [(i.kind, i.about, i.text, i.owner) for i in verdict.watch_items] == [
        ("carried", f"carried_item:{item}", "/api/cron/slot 000", ("owner of one",))
    ]
    assert verdict.next.action == "close_with_watch_items"
    assert f"settle it with a note that cites carried_item:{item}" in "\n".join(tell_verdict(verdict))
    known = world.seq
    world.add(Note(0, "kim", None, "another one", None, f"carried_item:{item}0 probe:1"))
    assert rule(world.judge()) == ("partially_confirmed", "watch_item")
    world.add(Note(0, "kim", None, "probed three times, well", None, f"probe:1 carried_item:{item}"))
    assert rule(world.judge()) == CONFIRMED
    assert rule(world.judge(known=known)) == ("partially_confirmed", "watch_item")


def test_what_else_was_carried_is_told_elsewhere() -> None:
    world = improved_world()
    for kind in ("tripped", "unknown", "open_step"):
        carry(world, "one was partial (gap)", kind=kind)
    assert rule(world.judge()) == CONFIRMED


def test_an_item_that_is_here_again_recurs_and_is_listed_once() -> None:
    probes = f'window = "30m"\n[[trip]]\nkind = "probe"\nroutes = ["{SLOT}"]\nexpect = [200]'
    signals = {"one": ("logs", count("target")), "probes": ("routes", probes)}
    world = World(runbook_text({"target": 'role = "target"'}, signals))
    for span, number in ((BASELINE, 60), (POSTFIX, 2)):
        collection = world.collect("logs", span)
        world.fail(collection, "target", number, span[0])
        world.traffic(collection, span, 100)
    world.probe(world.collect("routes", POSTFIX), at("04:10"), SLOT, 0, "timeout")
    assert [(item.text, item.recurs) for item in world.judge().watch_items] == [(f"{SLOT} 000", False)]
    carry(world, f"{SLOT} 000", signal="probes")
    verdict = world.judge()
    assert [(item.kind, item.text, item.recurs) for item in verdict.watch_items] == [("probe", f"{SLOT} 000", True)]
    assert verdict_json(verdict)["watch_items"][0]["recurs"] is True
    assert "again: widen the scope" in "\n".join(tell_verdict(verdict))
