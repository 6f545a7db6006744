"""What a bare SQLite browser needs beside the rows: tables and columns in plain words, and the questions a reviewer asks."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from typing import TYPE_CHECKING

from store.column_words import COLUMN_WORDS
from store.evidence import Artifact
from store.journal import CannedQuery, Description

if TYPE_CHECKING:
    from store.case import Transaction

VERIFIER = "tools/closeout-verify.py"
"""Where a case keeps the program that verifies it without this one."""

_TABLES = {
    "chain": "One row per transaction: its digest and the head over everything stored so far.",
    "case_info": "What this case is, who began it, and the case it continues.",
    "edition": "The runbook as adopted, whole text; the newest row holds.",
    "source": "Streams of evidence of each edition.",
    "signature": "What each kind of fault looks like in a log.",
    "signal": "Thresholds with their owners and what to undo.",
    "definition": "One row per condition of a signal: its kind and its limits.",
    "definition_stream": "Streams that a condition reads.",
    "definition_signature": "Signatures whose matches a condition judges, with the text they had.",
    "definition_group": "Groups of a reversal loop.",
    "definition_route": "Routes that a probe condition asks for.",
    "definition_status": "Statuses that a probe condition expects.",
    "step": "Steps of the walk.",
    "collection": "One run of one collector over one stream: what was asked.",
    "coverage": "Time that was watched without a break, from and to.",
    "collection_end": "How a collection ended and what it amounted to; no row means it was lost or is still open.",
    "looked_for": "Signatures that a collection searched for, and whether its form could have shown them.",
    "log_match": "A log record that a signature matched, with the redacted record.",
    "unreadable": "Lines that were no records.",
    "traffic": "Requests per watched route and minute.",
    "gauge": "Readings of named series.",
    "snapshot": "Queue depth per status at one instant.",
    "run_count": "One minute of the run ledger: finished runs and failures.",
    "probe": "One HTTP attempt; status 000 means no answer.",
    "artifact": "Files as evidence; their bytes are in sqlar under the same name.",
    "retraction": "Collections that were withdrawn; their rows stay and no longer count.",
    "mark": "Named moments: deploy, rollback, fix.",
    "window": "Named stretches of time: baseline, postfix.",
    "scope": "Where a run begins: trips latch from here.",
    "session": "One program run by one person in one terminal.",
    "step_event": "Every transition of a step: who, when, which attempt, why.",
    "note": "What people said.",
    "decision": "What was chosen, by whom, why.",
    "citation": "The evidence that a decision rests on.",
    "evaluation": "Instants at which the signals were judged and recorded.",
    "evaluation_result": "What the views said of each signal then.",
    "acknowledgement": "Alarms that someone saw.",
    "sqlar": "The bytes of files, in the form that `sqlite3 CASE -Ax` extracts.",
    "description": "These words: tables, and columns that mean the same in every table under `*`.",
    "canned_query": "Questions that a reviewer asks, as SQL.",
    "seal": "The end of the case: who sealed it, the stretch it covers, how many gaps its report names.",
    "gap": "The gap report: what the case does not know or cannot vouch for. No row beside a seal means that there was nothing to name.",
    "carried_item": "Open watch items and unknowns of the case before this one; a note that cites one settles it.",
}
_COLUMNS = {
    ("log_match", "key"): "Identity of what counts as one, within the stream.",
    ("log_match", "at_ms"): "When it failed, epoch milliseconds UTC.",
    ("log_match", "started_ms"): "When the request began.",
    (
        "log_match",
        "certain",
    ): "0: it would count if its status, which the source left blank, were one of the signature's.",
    ("coverage", "from_ms"): "Start of the unbroken capture.",
    ("collection_end", "status"): "ok, failed or truncated; only ok covers time.",
    ("looked_for", "can_prove"): "0: the form of the source could not have shown this signature; `why` says so.",
    ("probe", "status_text"): "000 means that no answer came.",
    ("scope", "start_ms"): "Nothing before this instant counts for the run.",
}
_QUERIES = (
    (
        "verdict_state",
        "State of every signal at the end of the evidence",
        (
            "SELECT signal, state, reason, now_state, now_reason, strftime('%Y-%m-%dT%H:%M:%fZ', first_trip_ms / 1000.0, 'unixepoch') AS first_trip, "
            "strftime('%Y-%m-%dT%H:%M:%fZ', last_ms / 1000.0, 'unixepoch') AS last_reading FROM signal_state ORDER BY position"
        ),
    ),
    (
        "conditions",
        "Every condition: value, limit, watched time",
        (
            "SELECT signal, position, kind, state, reason, level, coverage, value, op, limit_value, covered_ms, want_ms, "
            "strftime('%Y-%m-%dT%H:%M:%fZ', from_ms / 1000.0, 'unixepoch') AS window_from, "
            "strftime('%Y-%m-%dT%H:%M:%fZ', to_ms / 1000.0, 'unixepoch') AS window_to, detail FROM condition_state ORDER BY definition"
        ),
    ),
    (
        "timeline",
        "What happened, in the order in which it was stored",
        (
            "SELECT strftime('%Y-%m-%dT%H:%M:%fZ', at_ms / 1000.0, 'unixepoch') AS at, what, ref FROM ("
            "SELECT collected_ms AS at_ms, 'collection of ' || stream || ' by ' || collector AS what, 'collection:' || id AS ref, seq FROM collection "
            "UNION ALL SELECT ended_ms, 'collection ended ' || status || ' ' || reason, 'collection:' || collection, seq FROM collection_end "
            "UNION ALL SELECT at_ms, 'step ' || step || ' ' || kind || ' by ' || operator || ' ' || reason, 'step_event:' || id, seq FROM step_event "
            "UNION ALL SELECT at_ms, 'note by ' || operator || ': ' || body, 'note:' || id, seq FROM note "
            "UNION ALL SELECT at_ms, 'decision ' || step || ' = ' || choice || ' by ' || operator || ': ' || reason, 'decision:' || id, seq FROM decision "
            "UNION ALL SELECT at_ms, 'mark ' || name, 'mark:' || id, seq FROM mark "
            "UNION ALL SELECT at_ms, 'retraction of collection:' || collection || ': ' || reason, 'retraction:' || id, seq FROM retraction) ORDER BY seq, at_ms"
        ),
    ),
    (
        "log_counts",
        "Matches per signature and minute",
        "SELECT signature, stream, strftime('%Y-%m-%dT%H:%MZ', minute_ms / 1000, 'unixepoch') AS minute, matches FROM log_count ORDER BY minute_ms, signature",
    ),
    (
        "gaps",
        "Collections that do not cover, and why",
        (
            "SELECT 'collection:' || k.id AS ref, k.stream, k.collector, ifnull(e.status, 'open or lost') AS status, ifnull(e.reason, '') AS reason, "
            "(SELECT x.reason FROM retraction x WHERE x.collection = k.id) AS retracted FROM collection k LEFT JOIN collection_end e ON e.collection = k.id "
            "WHERE e.status IS NULL OR e.status <> 'ok' OR EXISTS (SELECT 1 FROM retraction x WHERE x.collection = k.id) ORDER BY k.id"
        ),
    ),
)


def descriptions() -> list[Description]:
    """Tables and columns in plain words, as rows of the case."""
    tables = [Description(table, "", text) for table, text in _TABLES.items()]
    columns = [Description(table, column, text) for (table, column), text in _COLUMNS.items()]
    return tables + columns + [Description("*", column, text) for column, text in COLUMN_WORDS.items()]


def canned_queries() -> list[CannedQuery]:
    """The questions a reviewer asks, as rows of the case."""
    return [CannedQuery(name, title, sql) for name, title, sql in _QUERIES]


def store_verifier(tx: Transaction, now_ms: int) -> None:
    """Put the stand-alone verifier into the case, so that `sqlite3 CASE -Ax` takes it out in ten years."""
    data = files("store.verify").joinpath("standalone.py").read_bytes()
    tx.add_blob(VERIFIER, data)
    tx.add(Artifact(None, VERIFIER, "verifier", "text/x-python", len(data), hashlib.sha256(data).hexdigest(), now_ms))
