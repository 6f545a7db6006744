"""The only module that speaks to Postgres: one short READ ONLY, REPEATABLE READ transaction per sample.

Limits hold for the transaction only, nothing is prepared and no start-up option is sent: a transaction pooler carries
it and no setting leaks to another client. Every question goes by the extended protocol, which takes one statement.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import psycopg
from psycopg import IsolationLevel

from collectors.offload.trouble import Trouble
from collectors.offload.url import Address

LOCK_MS = 200
IDLE_MS = 5_000

_OPEN = """
SELECT set_config('statement_timeout', %(statement)s, true), set_config('lock_timeout', %(lock)s, true),
       set_config('idle_in_transaction_session_timeout', %(idle)s, true),
       set_config('max_parallel_workers_per_gather', '0', true),
       set_config('row_security', 'off', true),
       set_config('TimeZone', 'UTC', true)
"""
_PATH = "SELECT set_config('search_path', %(path)s, true)"
_MOMENT = """
SELECT (extract(epoch FROM statement_timestamp()) * 1000)::bigint, current_setting('server_version')::text,
       pg_is_in_recovery(), (extract(epoch FROM pg_last_xact_replay_timestamp()) * 1000)::bigint, current_user::text
"""


class Limits(NamedTuple):
    """How long one statement and the whole sample may take."""

    statement_ms: int
    total_ms: int

    @classmethod
    def of(cls, timeout_ms: int) -> Limits:
        """Share out a source's timeout: one statement may take a tenth of it, 2 s of the usual 20 s."""
        return cls(max(timeout_ms // 10, 1), timeout_ms)


class Moment(NamedTuple):
    """When the database was looked at, by its own clock, and how far that clock is ahead of ours."""

    at_ms: int
    skew_ms: int
    version: str
    replica: bool
    role: str
    encrypted: bool


class Session:
    """One open transaction; what it reads is the state of one instant."""

    def __init__(self, connection: psycopg.Connection[tuple[Any, ...]], limits: Limits, watchdog: _Watchdog) -> None:
        self._connection = connection
        self._limits = limits
        self._watchdog = watchdog
        self.moment = Moment(0, 0, "", replica=False, role="", encrypted=False)

    def begin(self, schema: str | None, now_ms: Callable[[], int]) -> None:
        """Set the limits of this transaction and read both clocks."""
        values = {"statement": str(self._limits.statement_ms), "lock": str(LOCK_MS), "idle": str(IDLE_MS)}
        self.rows(_OPEN, values)
        if schema:
            self.rows(_PATH, {"path": '"' + schema.replace('"', '""') + '"'})
        before = now_ms()
        (server_ms, version, replica, replayed_ms, role), after = self.rows(_MOMENT)[0], now_ms()
        if replica and replayed_ms is None:
            raise Trouble("the database is a replica that has replayed nothing yet")
        encrypted = bool(self._connection.pgconn.ssl_in_use)
        # A replica knows the world as of its last replayed transaction, whatever its clock says.
        at_ms = replayed_ms if replica else server_ms
        self.moment = Moment(at_ms, server_ms - (before + after) // 2, version, replica, role, encrypted)

    def rows(self, sql: str, values: Mapping[str, object] | None = None) -> list[tuple[Any, ...]]:
        """Ask one question.

        Raises:
            Trouble: it was not answered.
        """
        try:
            # Binary results force the extended protocol even without parameters: it refuses several statements.
            with self._connection.cursor(binary=True) as cursor:
                return cursor.execute(sql.encode(), values or {}).fetchall()
        except psycopg.Error as error:
            raise self._trouble(error) from None

    @contextlib.contextmanager
    def part(self) -> Iterator[None]:
        """A part of the sample whose failure leaves the others answerable."""
        try:
            with self._connection.transaction():
                yield
        except psycopg.Error as error:
            raise self._trouble(error) from None

    def _trouble(self, error: psycopg.Error) -> Trouble:
        if self._watchdog.fired:
            return Trouble(
                f"the database did not answer within {self._watchdog.patience_ms} ms; the connection was cut"
            )
        return trouble_of(error, self._limits)


@contextlib.contextmanager
def session(address: Address, limits: Limits, now_ms: Callable[[], int]) -> Iterator[Session]:
    """Connect, open the transaction, close. The whole ends after `limits.total_ms` even when the network is gone.

    Raises:
        Trouble: no connection, or no answer.
    """
    connection = _connect(address, limits)
    watchdog = _Watchdog(connection.fileno(), limits.total_ms)
    try:
        opened = Session(connection, limits, watchdog)
        opened.begin(address.schema, now_ms)
        yield opened
    finally:
        watchdog.stop()
        with contextlib.suppress(psycopg.Error):
            connection.rollback()
        connection.close()


class _Watchdog:
    """Cuts a connection whose server no longer answers; closing it from elsewhere would not wake the waiting thread."""

    def __init__(self, descriptor: int, patience_ms: int) -> None:
        self.patience_ms = patience_ms
        self.fired = False
        self._line = socket.socket(fileno=os.dup(descriptor))
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="sample-deadline", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        with self._line:
            if not self._over.wait(self.patience_ms / 1000):
                self.fired = True
                with contextlib.suppress(OSError):
                    self._line.shutdown(socket.SHUT_RDWR)


def _connect(address: Address, limits: Limits) -> psycopg.Connection[tuple[Any, ...]]:
    parameters: dict[str, Any] = dict(address.parameters)
    parameters.setdefault("connect_timeout", str(max(limits.total_ms // 2000, 2)))
    try:
        connection = psycopg.connect(**parameters, application_name="closeout", options="", prepare_threshold=None)
    except psycopg.Error as error:
        raise trouble_of(error, limits, address.get("password")) from None
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    return connection


_SENTENCES = {
    "25006": "the transaction is read-only, and this wants to write",
    "28000": "the database does not let this role in",
    "28P01": "the database refuses the password",
    "3D000": "there is no such database",
    "42501": "the role may not read this",
    "53300": "the database takes no more connections",
    "55P03": "another session holds a lock on the table",
    "57P01": "the server shut down in the middle of the question",
    "57P02": "the server crashed in the middle of the question",
    "57P03": "the server is starting up or shutting down",
}
_CONNECT = (
    (
        r"password authentication failed|no password supplied|SASL|ETENANT|Wrong password",
        "the database refuses the password",
    ),
    (
        r"could not translate host name|Name or service not known|nodename nor servname",
        "the server's name is not known",
    ),
    (r"Connection refused|No such file or directory", "nothing listens at the server's address"),
    (r"timeout expired|timed out", "the server did not answer the connection in time"),
    (r"certificate verify failed|root certificate|certificate|self.signed", "the server's certificate is not trusted"),
    (
        r"server does not support SSL|SSL is not enabled|SSL required|SSL off|no encryption",
        "the server and the address disagree about TLS",
    ),
    (r'database "[^"]*" does not exist|no such database', "there is no such database"),
    (r'role "[^"]*" does not exist|no such user', "there is no such role"),
    (
        r"too many (clients|connections)|remaining connection slots|max_client_conn|max clients",
        "the database takes no more connections",
    ),
    (r"query_wait_timeout|unable to check out", "the pooler had no free connection in time"),
    (r"starting up|shutting down", "the server is starting up or shutting down"),
)
_LOST = (
    r"server closed the connection|connection (?:is )?(?:lost|closed)|terminating connection|consuming input|"
    r"SSL connection has been closed"
)


def trouble_of(error: psycopg.Error, limits: Limits, secret: str = "") -> Trouble:
    """Say a driver's error in one plain sentence; the words of the server follow, without the password."""
    state = error.sqlstate
    words = " ".join((error.diag.message_primary or str(error)).split())
    words = words.replace(secret, "[password]") if secret else words
    if state == "57014":
        return Trouble(f"the database cancelled the question after {limits.statement_ms} ms (statement timeout)", state)
    sentence = _SENTENCES.get(state or "") or _told_by(words)
    if sentence is None and state is None and re.search(_LOST, words):
        sentence = "the connection was lost in the middle of the question"
    return Trouble(f"{sentence}: {words}" if sentence else f"the database refuses the question: {words}", state)


def _told_by(words: str) -> str | None:
    return next((sentence for pattern, sentence in _CONNECT if re.search(pattern, words, re.IGNORECASE)), None)
