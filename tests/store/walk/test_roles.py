"""A choice may ask for papers: artifacts of named roles, each with its window, among the citations."""

from __future__ import annotations

import hashlib

import pytest

from store.errors import Refused
from store.evidence import Artifact
from store.walk import act
from store.walk.decisions import record_decision
from store.walk.evaluations import judged_now
from store.walk.events import reading
from store.walk.gaps import gaps_of
from store.walk.remarks import add_window
from store.walk.roles import artifacts_of, window_of_role
from store.walk.walk import Walk
from tests.store.walk.builders import STEPS, WalkWorld, walk_text
from tests.store.world import MINUTE, World

ROLES = '["baseline", "verification", "pre-post-delta"]'
ASKING = STEPS.replace('label = "Close"\n', f'label = "Close"\nroles = {ROLES}\n')


@pytest.fixture
def asking(tmp_path_factory: pytest.TempPathFactory) -> WalkWorld:
    """A walk whose choice to close asks for papers, standing at that decision."""
    path = tmp_path_factory.mktemp("roles") / "laid.db"
    return WalkWorld(path, World(path, walk_text(ASKING)))


def ready(world: WalkWorld) -> Walk:
    walk = world.walk()
    world.watch(matches=2)
    for step in ("look", "capture", "count-it"):
        act.finish(walk, step)
    return walk


def paper(walk: Walk, role: str, *, window: bool = True) -> str:
    """Attach a document of a role."""
    data = f"{role} {window}".encode()
    name = f"attachments/{role}-{window}.md"
    span = (walk.case.clock() - 10 * MINUTE, walk.case.clock()) if window else (None, None)
    with walk.case.transaction("test") as tx:
        tx.add_blob(name, data)
        digest = hashlib.sha256(data).hexdigest()
        row = Artifact(None, name, role, "text/markdown", len(data), digest, walk.case.clock(), *span)
        return f"artifact:{tx.add(row)}"


def close(walk: Walk, *refs: str, override: str = "") -> None:
    record_decision(walk, "choose", "close", refs=["log_match:1", *refs], reason="2 of > 5", override=override)


def test_a_close_without_its_papers_is_refused_and_told_how_to_get_them(asking: WalkWorld) -> None:
    walk = ready(asking)
    with pytest.raises(Refused) as refused:
        close(walk)
    assert refused.value.message == (
        "choose = close must cite artifacts with a window and the role baseline, verification, pre-post-delta"
    )
    assert "closeout packet CASE --out DIR --attach" in refused.value.hint
    assert "closeout attach CASE FILE --role baseline --window baseline" in refused.value.hint
    assert walk.case.read().execute("SELECT count(*) FROM decision").fetchone() == (0,)


def test_papers_that_are_there_and_not_cited_are_named(asking: WalkWorld) -> None:
    walk = ready(asking)
    refs = [paper(walk, role) for role in ("baseline", "verification", "pre-post-delta")]
    with pytest.raises(Refused) as refused:
        close(walk, refs[0])
    assert "the role verification, pre-post-delta" in refused.value.message
    assert refused.value.hint.startswith("cite them too: artifact:3 artifact:4")
    close(walk, *refs)
    assert walk.read().step("choose").state == "passed"


def test_a_paper_that_does_not_say_its_window_does_not_count(asking: WalkWorld) -> None:
    walk = ready(asking)
    refs = [paper(walk, role, window=role != "baseline") for role in ("baseline", "verification", "pre-post-delta")]
    with pytest.raises(Refused, match="an artifact with a window and the role baseline"):
        close(walk, *refs)
    close(walk, *refs[1:], paper(walk, "baseline"))


def test_a_close_in_spite_of_it_is_recorded_as_a_gap(asking: WalkWorld) -> None:
    walk = ready(asking)
    close(walk, override="the disk with the export is gone")
    told = [gap.what for gap in gaps_of(walk.case.read(), walk.read(), judged_now(walk.case))]
    assert "choose passed in spite of a block: the disk with the export is gone" in told


def test_a_rollback_and_a_hold_wait_for_no_papers(asking: WalkWorld) -> None:
    walk = ready(asking)
    record_decision(walk, "choose", "undo-count", refs=["log_match:1"], reason="6 of > 5")
    assert walk.read().current == "carry-out"


def test_the_newest_artifact_of_a_role_that_says_its_window_is_offered(asking: WalkWorld) -> None:
    walk = ready(asking)
    first = paper(walk, "baseline")
    paper(walk, "baseline", window=False)
    (found,) = artifacts_of(reading(walk.case.read()), ["baseline", "verification"])
    assert (found.role, found.ref, found.name) == ("baseline", first, "attachments/baseline-True.md")


def test_a_role_speaks_of_the_window_that_it_is_named_for(asking: WalkWorld) -> None:
    walk = ready(asking)
    assert window_of_role(walk.case.read(), "verification") is None
    add_window(walk.case, "kim", "postfix", asking.now - 10 * MINUTE, asking.now)
    assert window_of_role(walk.case.read(), "pre-post-delta") == (asking.now - 10 * MINUTE, asking.now)
    assert window_of_role(walk.case.read(), "browser") is None
