"""What the database role may do and what a look would give, for `doctor`. Reads the catalog, stores nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from collectors.offload.catalog import find_table, may_write
from collectors.offload.sample import Before, address_of, look
from collectors.offload.trouble import Trouble
from collectors.offload.url import Address
from store.errors import BadInput
from store.runbook.model import Runbook, Source

if TYPE_CHECKING:
    from collectors.offload.postgres import Session

MAX_SKEW_MS = 5_000

_SUPER = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"


class Examined(NamedTuple):
    """One fact about the database; `remedy` is empty where all is well."""

    well: bool
    text: str
    remedy: str = ""


def examine(
    runbook: Runbook, source: Source, environ: Mapping[str, str], now_ms: Callable[[], int]
) -> Iterator[Examined]:
    """Connect once, look once, and say what a collection would meet."""
    from collectors.offload.postgres import Limits, session

    try:
        address = address_of(source, environ)
        yield from _of_address(address)
        with session(address, Limits.of(source.timeout_ms), now_ms) as opened:
            yield from _of_session(opened, address)
            yield from _of_role(opened, source)
    except BadInput as error:
        yield Examined(False, error.message, error.hint)
        return
    except Trouble as trouble:
        yield Examined(False, f"{source.address}: {trouble.reason}", f"correct {source.address}, or the network to it")
        return
    for finding in look(runbook, source, environ, now_ms, Before(None, None), None).findings:
        if finding.status == "ok":
            yield Examined(True, f"a look at the {finding.what} answers{_note(finding.reason)}")
        else:
            yield Examined(False, f"a look at the {finding.what} gives nothing: {finding.reason}", "see the reason")


def _note(reason: str) -> str:
    return f" ({reason})" if reason else ""


def _of_address(address: Address) -> Iterator[Examined]:
    if address.dropped:
        yield Examined(True, f"parameters of other libraries are ignored: {', '.join(address.dropped)}")
    mode = address.get("sslmode")
    if not address.is_local() and mode not in ("verify-full", "verify-ca"):
        yield Examined(
            False,
            f"sslmode={mode} does not prove that the server is the right one",
            "use sslmode=verify-full with its CA",
        )


def _of_session(session: Session, address: Address) -> Iterator[Examined]:
    moment = session.moment
    line = "TLS" if moment.encrypted else "a local socket" if address.is_local() else "an unencrypted connection"
    replica = ", a replica" if moment.replica else ""
    yield Examined(
        moment.encrypted or address.is_local(),
        f"PostgreSQL {moment.version}{replica} as role {moment.role} over {line}",
        "" if moment.encrypted or address.is_local() else "use sslmode=verify-full",
    )
    apart = f"{abs(moment.skew_ms)} ms {'ahead of' if moment.skew_ms > 0 else 'behind'} ours"
    well = abs(moment.skew_ms) <= MAX_SKEW_MS
    yield Examined(well, f"its clock is {apart}", "" if well else "set this machine's clock by NTP")


def _of_role(session: Session, source: Source) -> Iterator[Examined]:
    if session.rows(_SUPER) == [(True,)]:
        yield Examined(False, f"role {session.moment.role} is a superuser", "use a role that may only read the tables")
    for name in _tables(source):
        try:
            with session.part():
                ways = may_write(session, find_table(session, name))
        except Trouble as trouble:
            yield Examined(False, trouble.reason, "see the reason")
            continue
        if ways:
            yield Examined(
                False, f"the role could {', '.join(ways)} on {name}; we never do", "use a role with SELECT alone"
            )
        else:
            yield Examined(True, f"the role may read {name}, hides no row of it and cannot change it")


def _tables(source: Source) -> tuple[str, ...]:
    named = (source.queue, source.ledger, source.dispatch)
    return tuple(dict.fromkeys(each.table for each in named if each is not None and each.table))
