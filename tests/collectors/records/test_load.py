"""Evidence records: all of a file or nothing, every bad line named, the same bytes once."""

import json
import sqlite3
from pathlib import Path

import pytest

from collectors.records.form import RecordFault, micro, read_record
from collectors.records.load import is_evidence_records, load_records
from collectors.records.write import write_records
from store.case import Case
from store.errors import BadInput
from store.status import status_json
from tests.store.world import (
    World,
    at,
    collection,
    gauge,
    lines,
    match,
    probe,
    retraction,
    run_count,
    runbook_text,
    snapshot,
)

T = at("03:30")
ALL = (
    collection("c", "rt", at("03:00"), T),
    collection("p", "pg", at("03:00"), T, status="truncated"),
    collection("r", "routes", at("03:00"), T),
    collection("g", "gauges", at("03:00"), T),
    match("c", "k1", at("03:20"), route="/a", status=500, request="r1", raw="x"),
    match("c", "k2", at("03:21"), group="cron", certain=0),
    snapshot("p", at("03:20"), 3, running=1, failed=2),
    run_count("p", at("03:20"), 5, 1),
    probe("r", at("03:20"), "/a", 0, reason="no answer in 20 s"),
    gauge("g", at("03:20"), 12.25),
    {"record": "traffic", "collection": "c", "minute": "2026-02-18T03:20:00Z", "route": "/a", "requests": 7},
    retraction("g"),
)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "case.db", runbook_text())


def load(world: World, data: bytes, name: str = "records.ndjson") -> list[str]:
    with Case.open(world.path, write=True) as case:
        return [row.ref for row in load_records(case, world.runbook, data, name=name, operator="kim")]


def count(world: World, table: str) -> int:
    db = sqlite3.connect(world.path)
    (number,) = db.execute(f'SELECT count(*) FROM "{table}"').fetchone()
    db.close()
    return number


def test_a_file_becomes_one_transaction_with_a_reference_for_each_collection(world: World) -> None:
    assert load(world, lines(ALL)) == ["collection:1", "collection:2", "collection:3", "collection:4"]
    assert count(world, "chain") == 2


def test_the_same_bytes_again_give_the_first_load(world: World) -> None:
    data = lines([collection("c", "rt", at("03:00"), T), match("c", "k", at("03:20"))])
    assert load(world, data) == load(world, data, "another-name.ndjson") == ["collection:1"]
    assert count(world, "log_match") == 1


def test_bytes_whose_first_load_was_retracted_are_loaded_anew(world: World) -> None:
    data = lines([collection("c", "rt", at("03:00"), T)])
    load(world, data)
    load(world, lines([{"record": "retraction", "ref": "collection:1", "reason": "wrong"}]))
    assert load(world, data) == ["collection:2"]


def test_a_file_that_withdraws_its_own_collection_is_loaded_once(world: World) -> None:
    assert load(world, lines(ALL)) == load(world, lines(ALL))
    assert count(world, "collection") == 4
    load(world, lines([{"record": "retraction", "ref": "collection:1", "reason": "wrong"}]))
    assert load(world, lines(ALL))[0] == "collection:5"


def test_a_retraction_by_id_means_the_newest_import_of_that_id(world: World) -> None:
    load(world, lines([collection("c", "rt", at("02:00"), T)]))
    load(world, lines([collection("c", "rt", at("03:00"), T)]))
    load(world, lines([retraction("c")]))
    db = sqlite3.connect(world.path)
    assert db.execute("SELECT collection FROM retraction").fetchall() == [(2,)]
    db.close()


SPAN = '"from":"2026-02-18T03:00:00Z","to":"2026-02-18T03:30:00Z","collected":"2026-02-18T03:30:00Z","status":"ok"}'
BACKWARDS = SPAN.replace("03:00", "03:40")

BAD = [
    ('{"record":"collection"', "not JSON"),
    ("[1]", "not a JSON object"),
    ('{"record":"colection"}', "did you mean 'collection'"),
    ('{"record":"log_match","collection":"c","key":"k","at":"2026-02-18T03:20:00","signature":"alpha"}', "no offset"),
    ('{"record":"log_match","collection":"c","key":"k","at":"2026-02-18T03:20:00Z","signature":"gamma"}', "no signature 'gamma'"),
    ('{"record":"log_match","collection":"c","key":"k","signature":"alpha"}', "lacks 'at'"),
    ('{"record":"log_match","collection":"c","key":"k","at":"2026-02-18T03:20:00Z","signature":"alpha","rout":"/a"}', "did you mean 'route'"),
    ('{"record":"log_match","collection":"zz","key":"k","at":"2026-02-18T03:20:00Z","signature":"alpha"}', "no collection 'zz'"),
    ('{"record":"collection","id":"x","stream":"nope",' + SPAN, "no stream 'nope'"),
    ('{"record":"collection","id":"x","stream":"rt",' + BACKWARDS, "from is after to"),
    ('{"record":"collection","id":"c","stream":"rt",' + SPAN, "already on line 1"),
    ('{"record":"snapshot","collection":"c","at":"2026-02-18T03:20:00Z","pending":-1,"running":0,"failed":0}', "negative"),
    ('{"record":"snapshot","collection":"c","at":"2026-02-18T03:20:00Z","pending":"5","running":0,"failed":0}', "not a whole number"),
    ('{"record":"run_count","collection":"c","minute":"2026-02-18T03:20:30Z","total":1,"failures":0}', "not the start of a minute"),
    ('{"record":"run_count","collection":"c","minute":"2026-02-18T03:20:00Z","total":1,"failures":2}', "more than total"),
    ('{"record":"probe","collection":"c","at":"2026-02-18T03:20:00Z","route":"/a","status":42}', "no HTTP status"),
    ('{"record":"gauge","collection":"c","at":"2026-02-18T03:20:00Z","series":"s","value":NaN}', "not a number"),
    ('{"record":"gauge","collection":"c","at":"2026-02-18T03:20:00Z","series":"s","value":1e99}', "too large"),
    ('{"record":"gauge","collection":"c","at":"0001-01-01T00:00:00+14:00","series":"s","value":1}', "out of reach"),
    ('{"record":"retraction","reason":"x"}', "either a collection or a ref"),
    ('{"record":"gauge","record":"gauge"}', "given twice"),
    ('{"record":"log_match","collection":"c","key":"k\\ud800","at":"2026-02-18T03:20:00Z","signature":"alpha"}', "half of a surrogate pair"),
    ('{"record":"retraction","reason":"\\uDfff"}', "half of a surrogate pair"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "why"), BAD)
def test_a_bad_line_is_named_and_nothing_of_the_file_is_loaded(world: World, line: str, why: str) -> None:
    good = lines([collection("c", "rt", at("03:00"), T), match("c", "k", at("03:20"))])
    with pytest.raises(BadInput) as refused:
        load(world, good + line.encode() + b"\n")
    assert refused.value.message.startswith("records.ndjson:3: ")
    assert why in refused.value.message
    assert (count(world, "collection"), count(world, "chain")) == (0, 1)


def test_every_bad_line_is_named_at_once(world: World) -> None:
    with pytest.raises(BadInput) as refused:
        load(world, b'{"record":"x"}\n{"record":"collection"}\nnonsense\n')
    assert [part.split(":")[1] for part in refused.value.message.splitlines()] == ["1", "2", "3"]


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\xff\xfe\x00"])
def test_a_file_without_records_is_refused(world: World, data: bytes) -> None:
    with pytest.raises(BadInput):
        load(world, data)


def test_what_export_prints_import_reads_and_the_answers_are_the_same(world: World, tmp_path: Path) -> None:
    load(world, lines(ALL))
    with Case.open(world.path) as case:
        printed = "".join(line + "\n" for line in write_records(case.read()))
    other = World(tmp_path / "other.db", runbook_text())
    load(other, printed.encode())
    answers = [status_json(w.judge(T)) for w in (world, other)]
    for answer in answers:
        answer["case"] = ""
    assert answers[0] == answers[1]
    with Case.open(other.path) as case:
        assert "".join(line + "\n" for line in write_records(case.read())) == printed


@pytest.mark.parametrize("value", [12, 12.5, -0.1, 1000.0, 0.000001])
def test_a_gauge_leaves_as_the_number_it_came_as(world: World, value: float) -> None:
    load(world, lines([collection("g", "gauges", at("03:00"), T), gauge("g", at("03:20"), value)]))
    with Case.open(world.path) as case:
        (printed,) = [json.loads(line) for line in write_records(case.read()) if '"gauge"' in line]
    assert printed["value"] == value


def test_more_digits_than_a_float_holds_leave_as_text(world: World) -> None:
    row = json.dumps(gauge("g", at("03:20"), 0)).replace('"value": 0', '"value": 9007199254740.123456')
    load(world, lines([collection("g", "gauges", at("03:00"), T)]) + row.encode())
    with Case.open(world.path) as case:
        (printed,) = [json.loads(line) for line in write_records(case.read()) if '"gauge"' in line]
    assert printed["value"] == "9007199254740.123456"


@pytest.mark.parametrize(
    ("of", "divides"), [('of = "runs"', ["runs"]), ('of = "attempts"', ["attempts"]), ("", ["attempts"])]
)
def test_a_minute_of_the_ledger_counts_as_what_the_ratio_of_its_stream_divides_by(
    tmp_path: Path, of: str, divides: list[str]
) -> None:
    """The form of DESIGN section 5 does not say attempts or runs; the runbook does."""
    world = World(
        tmp_path / "case.db", runbook_text({"s": f'kind = "ratio"\nstreams = ["pg"]\n{of}\nover_percent = 10'})
    )
    row = run_count("p", at("03:20"), 10, 4)
    row.pop("of", None)
    load(world, lines([collection("p", "pg", at("03:00"), T), row]))
    db = sqlite3.connect(world.path)
    assert [of for (of,) in db.execute('SELECT "of" FROM run_count')] == divides
    db.close()
    assert status_json(world.judge(T))["signals"][0]["state"] == "tripped"


def test_secrets_in_records_are_masked_before_they_are_stored(world: World) -> None:
    planted = "kim@example.com Authorization: Bearer abcdef0123456789"
    load(world, lines([collection("c", "rt", at("03:00"), T), match("c", "k", at("03:20"), raw=planted)]))
    stored = world.path.read_bytes()
    assert b"kim@example.com" not in stored
    assert b"abcdef0123456789" not in stored


def test_evidence_records_are_told_from_logs_by_their_first_line() -> None:
    assert is_evidence_records('\ufeff\n{"record":"collection"}')
    assert not is_evidence_records('{"timestamp":1}\n{"record":"collection"}')


@pytest.mark.parametrize("first", ["garbage", "[1]", '{"recrd":"collection"}', "<html>"])
def test_a_bad_first_line_is_named_like_any_other(world: World, first: str) -> None:
    data = first.encode() + b"\n" + lines([collection("c", "rt", at("03:00"), T), match("c", "k", at("03:20"))])
    assert is_evidence_records(data.decode())
    with pytest.raises(BadInput, match=r"records\.ndjson:1: "):
        load(world, data)


def test_a_gauge_is_kept_to_the_millionth() -> None:
    assert micro("12.3456789") == 12_345_679
    assert (
        read_record(
            '{"record":"gauge","collection":"c","at":"2026-02-18T03:20:00Z","series":"s","value":0.1}', 1
        ).values["value"]
        == "0.1"
    )
    with pytest.raises(RecordFault):
        micro("much")
