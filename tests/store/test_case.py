"""The case file: what is refused and in which words, what a transaction guarantees, and what a crash leaves behind."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from store import casefile, disk, evidence, journal, waiting
from store.case import APPLICATION_ID, Case
from store.errors import CaseBusy, CaseSealed, DiskFull, NotACase, Refused
from store.transaction import Transaction
from store.verify.report import Answer
from store.verify.verify import verify_case
from tests.store import world
from tests.store.harness.deeds import make_case
from tests.store.verify.tampering import lay_journal_beside, lay_write_ahead_beside

NOTE = journal.Note(world.START, "kim", None, "support calls")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_case(tmp_path_factory.mktemp("case") / "template.db")


@pytest.fixture
def path(template: Path, tmp_path: Path) -> Path:
    shutil.copyfile(template, tmp_path / "case.db")
    return tmp_path / "case.db"


def add_note(path: Path, body: str = "support calls") -> int:
    with Case.open(path, write=True) as case, case.transaction("walk") as tx:
        tx.add(NOTE._replace(body=body))
    return tx.seq


def bodies(path: Path) -> list[str]:
    with Case.open(path) as case:
        return [body for (body,) in case.read().execute("SELECT body FROM note ORDER BY id")]


# What is refused ---------------------------------------------------------------------------------------------------------------


def test_a_folder_a_missing_file_and_a_text_are_no_case(tmp_path: Path) -> None:
    text = tmp_path / "log.txt"
    text.write_text("hello\n" * 100)
    for wrong, said in ((tmp_path, "is a folder"), (tmp_path / "no.db", "there is no case"), (text, "is not a case")):
        with pytest.raises(NotACase, match=said):
            Case.open(wrong)


def test_a_database_of_another_program_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    with contextlib.closing(sqlite3.connect(other)) as db:
        db.execute("CREATE TABLE t (x)")
    with pytest.raises(NotACase, match="of another program"):
        Case.open(other, write=True)


def test_a_pipe_is_no_case(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NotACase, match="no ordinary file"):
        Case.open(tmp_path / "pipe")


def test_a_place_that_is_taken_is_not_overwritten(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(Refused, match="is there already"):
        Case.create(path)
    assert path.read_bytes() == before


def test_a_newer_case_is_refused_with_the_version_that_reads_it(path: Path) -> None:
    set_versions(path, file=7, reader=5, program="9.2")
    for write in (False, True):
        with pytest.raises(NotACase, match="needs a program that reads format 5") as refused:
            Case.open(path, write=write)
        assert "install closeout 9.2 or newer" in refused.value.hint


def test_a_newer_case_that_this_reader_understands_opens_for_reading_only(path: Path) -> None:
    set_versions(path, file=7, reader=1, program="9.2")
    assert bodies(path) == []
    with pytest.raises(Refused, match="it can be read here, not written"):
        Case.open(path, write=True)


def test_an_older_case_opens_for_reading_only(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("store.case.SCHEMA_VERSION", 2)
    assert bodies(path) == []
    with pytest.raises(Refused, match="it can be read here, not written") as refused:
        Case.open(path, write=True)
    assert "init NEXT.db --after" in refused.value.hint


def test_the_reader_and_writer_versions_are_in_the_file(path: Path) -> None:
    with Case.open(path) as case:
        row = case.read().execute("SELECT format_reader, format_writer FROM case_info").fetchone()
    assert row == (casefile.SCHEMA_VERSION, casefile.SCHEMA_VERSION)
    assert casefile.read_header(path).version == casefile.SCHEMA_VERSION


def set_versions(path: Path, *, file: int, reader: int, program: str) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(f"PRAGMA user_version = {file}")
        db.execute("DROP TRIGGER case_info_no_update")
        db.execute("UPDATE case_info SET format_reader = ?, program_version = ?", (reader, program))


@pytest.mark.parametrize("system", ["nfs4", "cifs", "fuse.sshfs"])
def test_a_network_file_system_is_refused_for_writing_in_one_sentence(
    path: Path, monkeypatch: pytest.MonkeyPatch, system: str
) -> None:
    mounts = path.with_name("mounts")
    mounts.write_text(f"1 1 0:1 / / rw - ext4 /dev/a rw\n2 1 0:2 / {path.parent} rw,noatime - {system} server:/x rw\n")
    monkeypatch.setattr(casefile, "_MOUNTS", mounts)
    for refused in (lambda: Case.open(path, write=True), lambda: Case.create(path.with_name("new.db"))):
        with pytest.raises(Refused, match=f"lies on a network file system \\({system}\\)"):
            refused()
    assert bodies(path) == []


def test_a_local_file_system_is_known_as_one(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(casefile, "_MOUNTS", path.with_name("no such file"))
    assert casefile.file_system(path) == ""
    assert add_note(path) == 3


def test_write_ahead_files_beside_a_case_are_refused(path: Path) -> None:
    lay_write_ahead_beside(path)
    with pytest.raises(NotACase, match=r"case\.db-wal lies beside case\.db and is not of it"):
        Case.open(path)


def test_a_journal_of_another_state_is_never_applied(path: Path) -> None:
    lay_journal_beside(path)
    before = path.read_bytes()
    for write in (False, True):
        with pytest.raises(NotACase, match="is of another state of"):
            Case.open(path, write=write)
    assert path.read_bytes() == before


def test_a_journal_beside_a_sealed_case_is_refused(path: Path) -> None:
    with Case.open(path, write=True) as case, case.transaction("seal", kind="seal") as tx:
        tx.add(NOTE)
    sealed = path.read_bytes()
    leave_hot_journal(path)
    path.write_bytes(sealed)  # the file is as it was sealed; only the journal came from somewhere
    with pytest.raises(NotACase, match="lies beside a sealed case"):
        Case.open(path)
    assert path.read_bytes() == sealed


def test_a_sealed_case_is_not_opened_for_writing(path: Path) -> None:
    with Case.open(path, write=True) as case, case.transaction("seal", kind="seal") as tx:
        tx.add(NOTE)
    with pytest.raises(CaseSealed) as refused:
        Case.open(path, write=True)
    assert "init NEXT.db --after" in refused.value.hint
    assert bodies(path) == [NOTE.body]


def test_a_case_sealed_by_somebody_else_meanwhile_takes_nothing_more(path: Path) -> None:
    with Case.open(path, write=True) as mine:
        with Case.open(path, write=True) as theirs, theirs.transaction("seal", kind="seal") as tx:
            tx.add(NOTE)
        with pytest.raises(CaseSealed, match="was sealed"), mine.transaction("walk") as late:
            late.add(NOTE)
    assert len(bodies(path)) == 1


def test_a_case_open_for_reading_cannot_be_written(path: Path) -> None:
    with Case.open(path) as case:
        with pytest.raises(Refused, match="for reading only"), case.transaction("walk"):
            pass
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            case.read().execute("INSERT INTO chain VALUES (9, 9, 'x', 'append', 'x', 1, 'x', 'x', 'x')")


# What a transaction guarantees ----------------------------------------------------------------------------------------------------


def test_all_of_a_transaction_is_stored_or_nothing(path: Path) -> None:
    with Case.open(path, write=True) as case:
        before = case.head()
        with pytest.raises(RuntimeError, match="in the middle"), case.transaction("walk") as tx:
            tx.add(NOTE)
            raise RuntimeError("in the middle")
        assert case.head() == before
        with case.transaction("walk") as tx:
            tx.add(NOTE)
        assert tx.seq == before.seq + 1
    assert bodies(path) == [NOTE.body]


def test_a_transaction_without_rows_leaves_no_entry(path: Path) -> None:
    with Case.open(path, write=True) as case:
        before = case.head()
        with case.transaction("walk") as tx:
            tx.add_all([])
        assert (case.head(), tx.seq) == (before, before.seq)


def test_bytes_without_their_artifact_are_not_committed(path: Path) -> None:
    with Case.open(path, write=True) as case:
        with pytest.raises(ValueError, match="have no artifact row"), case.transaction("attach") as tx:
            tx.add_blob("artifacts/a.txt", b"hello")
            tx.add(NOTE)
        with pytest.raises(ValueError, match="have no artifact row"), case.transaction("attach") as tx:
            tx.add_blob("artifacts/a.txt", b"hello")
            tx.add(evidence.Artifact(None, "artifacts/a.txt", "note", "text/plain", 5, "0" * 64, 0))
        assert case.read().execute("SELECT count(*) FROM sqlar WHERE name LIKE 'artifacts/%'").fetchone() == (0,)


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a\\b", "a/../b", ""])
def test_an_artifact_cannot_be_named_out_of_its_folder(path: Path, name: str) -> None:
    with Case.open(path, write=True) as case, pytest.raises(sqlite3.IntegrityError), case.transaction("attach") as tx:
        tx.add_blob(name, b"hello")


def test_artifacts_are_extracted_by_the_sqlite_shell(path: Path, tmp_path: Path) -> None:
    shell = shutil.which("sqlite3")
    if shell is None:
        pytest.fail("the sqlite3 shell is needed: apt install sqlite3")
    folder = tmp_path / "out"
    folder.mkdir()
    subprocess.run([shell, str(path), "-Ax"], cwd=folder, check=True, timeout=30)
    assert (folder / "tools" / "closeout-verify.py").read_bytes().startswith(b"#!/usr/bin/env python3")


# Many hands -----------------------------------------------------------------------------------------------------------------------

HOLD = """
import sys
from store.case import Case
from store.journal import Note
with Case.open(sys.argv[1], write=True) as case, case.transaction("other") as tx:
    tx.add(Note(1, "ann", None, "mine first"))
    print("holding", flush=True)
    sys.stdin.readline()
"""


@contextlib.contextmanager
def held_by_another_process(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process is in the middle of a transaction until its input gets a line."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin and process.stdout
    assert process.stdout.readline() == "holding\n"
    try:
        yield process
    finally:
        with contextlib.suppress(ValueError, BrokenPipeError):
            process.communicate("\n", timeout=30)


def test_a_busy_file_waits_and_says_for_whom(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    with held_by_another_process(path) as other:

        def hear(text: str) -> None:
            told.append(text)
            if other.poll() is None and other.stdin and not other.stdin.closed:
                other.communicate("\n", timeout=30)

        monkeypatch.setattr(waiting, "say", hear)
        monkeypatch.setattr(waiting, "SAY_AFTER_S", 0.05)
        assert add_note(path, "mine second") == 4
        pid = other.pid
    assert told
    assert f"process {pid}" in told[0]
    assert bodies(path) == ["mine first", "mine second"]


def test_a_file_that_stays_busy_is_named_with_its_holder(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("store.transaction.BUSY_S", 0.05)
    with held_by_another_process(path) as other, pytest.raises(CaseBusy, match=f"process {other.pid}"):
        add_note(path)
    assert bodies(path) == ["mine first"]


def test_looking_at_a_file_does_not_take_a_writers_lock_away(path: Path) -> None:
    """Closing any descriptor of a file drops all POSIX locks of the process; opening the case again must not do that."""
    with Case.open(path, write=True) as case, case.transaction("walk") as tx:
        tx.add(NOTE)
        with Case.open(path):
            pass
        verify_case(path)
        tried = subprocess.run(
            [
                sys.executable,
                "-c",
                "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('BEGIN IMMEDIATE')",
                str(path),
            ],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert "database is locked" in tried.stderr
    assert bodies(path) == [NOTE.body]


def test_many_threads_with_connections_of_their_own_store_everything(path: Path) -> None:
    def store(name: str) -> None:
        for number in range(5):
            add_note(path, f"{name}-{number}")

    threads = [threading.Thread(target=store, args=(name,)) for name in ("a", "b", "c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(bodies(path)) == sorted(f"{name}-{number}" for name in ("a", "b", "c") for number in range(5))
    assert verify_case(path).exit_code == 21


# What a crash leaves --------------------------------------------------------------------------------------------------------------


def leave_hot_journal(path: Path) -> None:
    """Bring the file into the state in which a kill in the middle of a commit leaves it: pages written, journal not yet gone."""
    aside = path.with_name("aside.db")
    shutil.copyfile(path, aside)
    with contextlib.closing(sqlite3.connect(aside, isolation_level=None)) as db:
        db.execute("PRAGMA cache_size = 1")
        db.execute("BEGIN IMMEDIATE")
        db.execute("CREATE TABLE half (x)")
        db.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) INSERT INTO half SELECT randomblob(900) FROM n"
        )
        shutil.copyfile(aside, path)
        shutil.copyfile(f"{aside}-journal", f"{path}-journal")


def test_a_case_left_by_a_crash_recovers_on_the_next_open(path: Path) -> None:
    add_note(path)
    before = path.read_bytes()
    leave_hot_journal(path)
    assert path.read_bytes() != before
    assert bodies(path) == [NOTE.body]
    assert verify_case(path).exit_code == 21
    assert add_note(path, "and on") == 4


def test_a_file_that_cannot_be_recovered_here_says_so_and_stays_as_it_is(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_note(path)
    leave_hot_journal(path)
    before = path.read_bytes()
    monkeypatch.setattr(os, "access", lambda *_: False)  # as on read-only media
    report = verify_case(path)
    assert report.asked("whole").answer is Answer.NO
    assert path.read_bytes() == before


# A full disk ----------------------------------------------------------------------------------------------------------------------


def test_the_last_room_is_kept_for_what_people_say(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "room_for_evidence", lambda _: 0)
    with Case.open(path, write=True) as case:
        with pytest.raises(DiskFull, match="EVIDENCE IS NOT BEING WRITTEN"), case.transaction("logs") as tx:
            tx.add(evidence.Retraction(1, "x", 1, "kim"))
        with pytest.raises(DiskFull, match="EVIDENCE IS NOT BEING WRITTEN"), case.transaction("logs") as tx:
            tx.add_all([evidence.Coverage(1, "rt", 0, 1, 1)])
        assert "EVIDENCE IS NOT BEING WRITTEN" in (case.evidence_stopped() or "")
        with case.transaction("walk") as tx:
            tx.add(NOTE)
    assert bodies(path) == [NOTE.body]


def test_on_a_disk_with_room_evidence_is_written(path: Path) -> None:
    with Case.open(path) as case:
        assert case.evidence_stopped() is None
    assert disk.reserve(4 << 20) == 256 << 10
    assert disk.reserve(1 << 40) == 16 << 20


# Whatever is done, in whatever order ----------------------------------------------------------------------------------------------


class Deeds(RuleBasedStateMachine):
    """Random deeds against a list of what was acknowledged."""

    folder: Path
    template: Path

    @initialize()
    def begin(self) -> None:
        Deeds.count = getattr(Deeds, "count", 0) + 1
        self.path = self.folder / f"{Deeds.count}.db"
        shutil.copyfile(self.template, self.path)
        self.case = Case.open(self.path, write=True)
        self.known = list(self.case.read().execute("SELECT seq, head FROM chain ORDER BY seq"))
        self.said: list[str] = []
        self.matches = 0
        self.sealed = False

    @rule(body=st.text(min_size=1).filter(str.strip), amount=st.integers(0, 30))
    def store(self, body: str, amount: int) -> None:
        if self.sealed:
            return
        with self.case.transaction("walk") as tx:
            tx.add(NOTE._replace(body=body))
            tx.add_all(self._matches(amount))
        self._acknowledge(tx, [body], amount)

    @rule(bodies=st.lists(st.text(min_size=1).filter(str.strip), max_size=3), data=st.binary(max_size=200))
    def store_an_artifact(self, bodies: list[str], data: bytes) -> None:
        if self.sealed:
            return
        from tests.store.verify.tampering import attach

        with self.case.transaction("attach") as tx:
            attach(tx, f"artifacts/{tx.seq}", data)
            tx.add_all([NOTE._replace(body=body) for body in bodies])
        self._acknowledge(tx, bodies, 0)

    @rule(amount=st.integers(1, 30))
    def give_up_halfway(self, amount: int) -> None:
        if self.sealed:
            return
        with contextlib.suppress(ZeroDivisionError), self.case.transaction("walk") as tx:
            tx.add_all(self._matches(amount))
            raise ZeroDivisionError

    @rule()
    def open_again(self) -> None:
        self.case.close()
        self.case = Case.open(self.path, write=not self.sealed)

    @rule()
    def crash_and_recover(self) -> None:
        if self.sealed:
            return
        self.case.close()
        leave_hot_journal(self.path)
        self.case = Case.open(self.path, write=True)

    @rule()
    def seal(self) -> None:
        if self.sealed or len(self.known) < 5:
            return
        with self.case.transaction("seal", kind="seal") as tx:
            tx.add(NOTE)
        self._acknowledge(tx, [NOTE.body], 0)
        self.sealed = True

    @rule()
    def write_after_the_seal(self) -> None:
        if self.sealed:
            with pytest.raises(Refused), self.case.transaction("walk") as tx:
                tx.add(NOTE)

    @invariant()
    def what_was_acknowledged_is_there_in_order(self) -> None:
        if not hasattr(self, "case"):
            return
        db = self.case.read()
        assert db.execute("SELECT seq, head FROM chain ORDER BY seq").fetchall() == self.known
        assert [body for (body,) in db.execute("SELECT body FROM note ORDER BY id")] == self.said
        assert db.execute("SELECT count(*) FROM log_match").fetchone() == (self.matches,)

    @invariant()
    def it_verifies(self) -> None:
        if hasattr(self, "case"):
            report = verify_case(self.path)
            assert [report.asked(one).answer.value for one in ("whole", "chain")] == ["yes", "yes"]
            assert report.sealed == self.sealed

    def teardown(self) -> None:
        if hasattr(self, "case"):
            self.case.close()

    def _matches(self, amount: int) -> list[evidence.LogMatch]:
        return [evidence.LogMatch(1, "rt", "alpha", None, f"k{self.matches + n}", world.START) for n in range(amount)]

    def _acknowledge(self, tx: Transaction, said: list[str], matches: int) -> None:
        self.known.append((tx.seq, self.case.head().head))
        self.said += said
        self.matches += matches


@pytest.mark.timeout(300)
def test_random_deeds_leave_what_was_acknowledged_in_order_and_verified(template: Path, tmp_path: Path) -> None:
    Deeds.folder, Deeds.template = tmp_path, template
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
    run_state_machine_as_test(
        Deeds, settings=settings(max_examples=12, stateful_step_count=15, deadline=None, suppress_health_check=slow)
    )


def test_a_case_is_known_by_its_four_letters(path: Path) -> None:
    assert APPLICATION_ID.to_bytes(4, "big") == b"CLOS"
    assert path.read_bytes()[68:72] == b"CLOS"
