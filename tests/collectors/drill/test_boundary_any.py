"""Whatever numbers a sound condition has, its boundary probes hold; where no number can trip it, a probe and a fault of meaning say so."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from collectors.drill.boundary import boundary_report
from collectors.drill.meaning import meaning_faults
from store.errors import RunbookInvalid
from store.runbook.parse import parse_runbook
from tests.store.world import runbook_text

DURATIONS = st.sampled_from(["1500ms", "7001ms", "59s", "60s", "90s", "2m", "10m", "30m", "61m", "26h"])
NUMBERS = st.integers(1, 40)
SIDES = st.sampled_from(["over", "at_least"])


def keys(kind: str, **values: object) -> str:
    """A `[[trip]]`'s body; `for_` is `for`."""
    lines = [f"{name.rstrip('_')} = {value if name == 'z2' else json.dumps(value)}" for name, value in values.items()]
    return "\n".join([f'kind = "{kind}"', *lines])


CONDITIONS = st.one_of(
    st.builds(lambda side, n: keys("count", signatures=["alpha", "beta"], **{side: n}), SIDES, NUMBERS),
    st.builds(lambda side, n, s: keys("burst", signatures=["alpha"], slice=s, **{side: n}), SIDES, NUMBERS, DURATIONS),
    st.builds(
        lambda rises, floor, z2: keys("trend", signatures=["alpha"], rises=rises, floor=floor, z2=z2),
        st.integers(1, 2), st.integers(0, 60), st.sampled_from(["0", "1.5", "5.41", "20"]),
    ),
    st.builds(lambda n, s: keys("loop", groups=["web", "cron"], slice=s, at_least=n), st.integers(1, 6), DURATIONS),
    st.builds(
        lambda gap, n, m: keys("queue", streams=["pg"], max_gap=gap, min_snapshots=n, min_growth=m),
        DURATIONS, st.integers(1, 9), st.integers(1, 50),
    ),
    st.builds(
        lambda p, f, t, c: keys("ratio", streams=["pg"], over_percent=p, min_failures=f, min_total=t, min_cover_percent=c),
        st.integers(0, 100), st.integers(0, 30), st.integers(1, 300), st.integers(0, 100),
    ),
    st.builds(lambda n: keys("probe", streams=["routes"], routes=["/a", "/b", "/c"][:n]), st.integers(1, 3)),
    st.builds(
        lambda side, limit, held, gap: keys("level", streams=["gauges"], series="d", for_=held, max_gap=gap, **{side: limit}),
        st.sampled_from(["over", "under"]), st.sampled_from([0, 10, -3, 12345.678901]), DURATIONS, DURATIONS,
    ),
)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(trip=CONDITIONS, window=DURATIONS, settle=st.sampled_from(["", "5s", "2m"]))
@example(trip=keys("loop", groups=["web", "cron"], slice="59s", at_least=2), window="60s", settle="")
@example(trip=keys("ratio", streams=["pg"], over_percent=0, min_failures=3, min_total=1), window="90s", settle="")
@example(trip=keys("ratio", streams=["pg"], over_percent=100), window="30m", settle="")
@example(trip=keys("burst", signatures=["alpha"], slice="90s", over=1), window="90s", settle="2m")
def test_boundaries_hold_for_any_sound_condition(trip: str, window: str, settle: str) -> None:
    text = runbook_text({"any": trip}, window=window, settle={"rt": settle} if settle else None)
    try:
        runbook = parse_runbook(text, "mine.md")
    except RunbookInvalid:
        return  # a slice longer than its window, for one
    never = [fault.told("mine.md") for fault in meaning_faults(runbook) if "never trip" in fault.why]
    with tempfile.TemporaryDirectory() as folder:
        results = boundary_report(runbook, Path(folder))
    failed = [result.told("mine.md") for result in results if not result.ok]
    if never:
        assert any("first tripping value" in each for each in failed), (never, failed)
    else:
        assert failed == []
