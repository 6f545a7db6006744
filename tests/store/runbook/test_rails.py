"""The reader knows nothing of the shipped runbook's stack: a Rails shop reads as well."""

from __future__ import annotations

from store.runbook.model import ConditionKind, FieldMap
from tests.store.runbook.builders import HERE, parse

RAILS = parse((HERE / "rails.md").read_text(encoding="utf-8"))


def test_it_has_neither_fault_nor_warning() -> None:
    assert RAILS.warnings == ()


def test_a_gauge_in_the_log_is_judged_by_its_level() -> None:
    default, mailers = next(signal for signal in RAILS.signals if signal.id == "queue-latency").conditions
    assert default.kind is ConditionKind.LEVEL
    assert (default.series, default.op, default.limit, default.for_ms) == ("default", ">", 120_000_000, 300_000)
    assert mailers.limit == 600_500_000
    gauge = next(source for source in RAILS.sources if source.id == "sidekiq")
    assert gauge.fields == FieldMap(time="@timestamp", series="queue.name", value="queue.latency_s")


def test_probes_expect_what_their_source_expects() -> None:
    probe = next(signal for signal in RAILS.signals if signal.id == "health").conditions[0]
    assert probe.expect == (200,)


def test_a_step_feeds_the_streams_of_its_signals() -> None:
    assert [step.feeds for step in RAILS.steps[:2]] == [("app-log", "sidekiq"), ("health",)]
