"""The pages of a case as Datasette routes: /CASE/-/case, /-/signal/ID, /-/timeline, /-/artifacts, /-/verify, /-/compare/OTHER, /-/status.json.

Each request opens the case by itself, read-only, reads one state of it under a time limit and closes it. Whatever goes wrong with a case
from elsewhere becomes one plain page; nothing of Datasette's own pages depends on it.
"""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from store.case import Case
from store.compare import compare_cases
from store.errors import BadInput, CloseoutError
from store.judge import Question, frontier_question, judge, question_at
from store.moments import resolve_moment
from store.review.beside import compare_page, proof_line, proof_page
from store.review.document import Code, Document, Inlines
from store.review.facts import is_picture, read_case
from store.review.html import page_policy, write_page
from store.review.pages import artifacts_page, case_page, navigation, signal_page, timeline_page, trouble_page
from store.review.places import DatasettePlaces
from store.review.proof import known_proof, proof_of
from store.review.recognise import case_on_route, cases_of, untilde
from store.review.timebox import CutShort, limited
from store.status import status_json

PAGE_LIMIT_S = 5.0
_LOOK_CLOSER = "Look closer with: closeout verify CASE"
_FILE_POLICY = "default-src 'none'; sandbox"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request gets back."""

    body: str | bytes
    status: int = 200
    content_type: str = "text/html; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, without Datasette: which case, where it is served, what was asked."""

    path: Path
    base: str
    item: str
    query: dict[str, str]
    name: str = ""
    others: Mapping[str, Path] = field(default_factory=dict)

    @property
    def places(self) -> DatasettePlaces:
        """Where links lead, with the same question."""
        kept = tuple((name, self.query[name]) for name in ("as_of", "known_seq", "scope_start") if name in self.query)
        return DatasettePlaces(self.base, asked=kept)


Page = Callable[[Asked, sqlite3.Connection], Answer]


class CaseRoute:
    """A pattern that matches only below a case, so that paths of other databases are never taken."""

    def __init__(self, datasette: Any, tail: str) -> None:
        self._datasette = datasette
        self._pattern = re.compile(rf"/(?P<database>[^/.]+)/-/{tail}$")

    @property
    def pattern(self) -> str:
        """What Datasette prints when it lists its routes."""
        return self._pattern.pattern

    def match(self, path: str) -> re.Match[str] | None:
        """Match a path of a case."""
        found = self._pattern.match(path)
        return found if found and case_on_route(self._datasette, found["database"]) else None


def routes(datasette: Any) -> list[tuple[Any, Any]]:
    """Pattern and view of every page."""
    return [(CaseRoute(datasette, tail), _view(page)) for tail, page in _PAGES]


def _view(page: Page) -> Callable[[Any, Any], Awaitable[Any]]:
    async def view(datasette: Any, request: Any) -> Any:
        from datasette.utils.asgi import Forbidden, NotFound, Response

        found = case_on_route(datasette, request.url_vars["database"])
        if found is None:
            raise NotFound("not a case")
        name, path = found
        if not await _may_see(datasette, request, name):
            raise Forbidden("view-database")
        query = {key: request.args[key] for key in request.args}
        item = untilde(request.url_vars.get("item") or "")
        others = {
            other: place
            for other, place in cases_of(datasette).items()
            if other != name and await _may_see(datasette, request, other)
        }
        asked = Asked(path, str(datasette.urls.database(name)), item, query, name, others)
        answer = await asyncio.to_thread(answer_page, page, asked)
        return Response(
            answer.body, status=answer.status, content_type=answer.content_type, headers=dict(answer.headers)
        )

    return view


async def _may_see(datasette: Any, request: Any, name: str) -> bool:
    """Whether Datasette's own rules let this reader see the database."""
    if hasattr(datasette, "permission_allowed"):
        return bool(await datasette.permission_allowed(request.actor, "view-database", resource=name, default=True))
    from datasette.resources import DatabaseResource  # Datasette 1.0

    return bool(await datasette.allowed(action="view-database", resource=DatabaseResource(name), actor=request.actor))


def answer_page(page: Page, asked: Asked) -> Answer:
    """Open the case, make one page, close it."""
    try:
        with Case.open(asked.path) as case, limited(case.read(), PAGE_LIMIT_S):
            return page(asked, case.read())
    except CutShort as error:
        return _trouble(asked, 503, "This page took too long", str(error), "The tables are still there: All tables.")
    except BadInput as error:
        return _trouble(asked, 404, "There is no such page", error.message, error.hint)
    except CloseoutError as error:
        return _trouble(asked, 409, "This case cannot be read", error.message, error.hint or _LOOK_CLOSER)
    except (sqlite3.Error, ValueError, LookupError, TypeError) as error:
        # A file that others made may hold anything under our mark; that is for verify to tell.
        words = f"{type(error).__name__}: {error}"
        return _trouble(
            asked, 500, "This file does not read as a case", words, "Look closer with: closeout verify CASE"
        )


def _html(
    asked: Asked, document: Document, *, status: int = 200, foot: Inlines = (), again_s: int | None = None
) -> Answer:
    body = write_page(document, asked.places, navigation=navigation(), foot=foot, again_s=again_s)
    return Answer(body, status, headers=(("Content-Security-Policy", page_policy()), ("Cache-Control", "no-store")))


def _trouble(asked: Asked, status: int, title: str, message: str, hint: str) -> Answer:
    return _html(asked, trouble_page(title, message, hint), status=status)


def _question(asked: Asked, db: sqlite3.Connection) -> Question:
    """The question in the address; the end of the evidence if there is none."""
    frontier = frontier_question(db)
    if not any(name in asked.query for name in ("as_of", "known_seq", "scope_start")):
        return frontier
    as_of, known, scope = (asked.query.get(name, "") for name in ("as_of", "known_seq", "scope_start"))
    if known and not known.isdecimal():
        raise BadInput(f"known_seq {known!r} is not the number of a transaction")
    return question_at(
        db,
        as_of_ms=resolve_moment(as_of, now_ms=frontier.as_of_ms, db=db) if as_of else frontier.as_of_ms,
        live=False,
        known_seq=int(known) if known else None,
        scope_start_ms=resolve_moment(scope, now_ms=frontier.as_of_ms, db=db) if scope not in ("", "none") else None,
        scope_given=bool(scope),
    )


def _case(asked: Asked, db: sqlite3.Connection) -> Answer:
    facts = read_case(db, _question(asked, db))
    foot: Inlines = ("Head ", Code(f"{facts.head.seq} {facts.head.head}"))
    document = case_page(facts, proof=proof_line(known_proof(asked.path)), others=tuple(asked.others))
    return _html(asked, document, foot=foot)


def _signal(asked: Asked, db: sqlite3.Connection) -> Answer:
    return _html(asked, signal_page(db, read_case(db, _question(asked, db)), asked.item))


def _timeline(asked: Asked, db: sqlite3.Connection) -> Answer:
    return _html(asked, timeline_page(db, read_case(db, _question(asked, db))))


def _artifacts(asked: Asked, db: sqlite3.Connection) -> Answer:
    return _html(asked, artifacts_page(read_case(db, _question(asked, db))))


def _verify(asked: Asked, db: sqlite3.Connection) -> Answer:
    """Begin to verify, and say how far it has come; a head from elsewhere may be given to compare with."""
    proof = proof_of(asked.path, asked.query.get("head", "").strip())
    return _html(asked, proof_page(read_case(db), proof), again_s=None if proof.done else 1)


def _compare(asked: Asked, db: sqlite3.Connection) -> Answer:
    """This case beside another one that this Datasette serves."""
    place = asked.others.get(asked.item)
    if place is None:
        raise BadInput(f"there is no case {asked.item!r} here", "serve both: datasette A.db B.db")
    with (
        Case.open(asked.path) as ours,
        Case.open(place) as theirs,
        limited(theirs.read(), PAGE_LIMIT_S),
        limited(ours.read(), PAGE_LIMIT_S),
    ):
        found = compare_cases(ours, theirs, window_a=asked.query.get("a"), window_b=asked.query.get("b"))
    return _html(asked, compare_page(asked.name, asked.item, found))


def _status(asked: Asked, db: sqlite3.Connection) -> Answer:
    body = json.dumps(status_json(judge(db, _question(asked, db))), ensure_ascii=False, allow_nan=False)
    return Answer(body + "\n", content_type="application/json; charset=utf-8", headers=(("Cache-Control", "no-store"),))


def _artifact(asked: Asked, db: sqlite3.Connection) -> Answer:
    """The bytes of a file. Only true raster images are shown inline; all else is a download that no browser opens by itself."""
    row = db.execute(
        "SELECT a.media_type, s.data FROM artifact a JOIN sqlar s ON s.name = a.name WHERE a.id = ?", (int(asked.item),)
    ).fetchone()
    if row is None:
        raise BadInput(f"there is no file artifact:{asked.item} in this case")
    media_type, data = str(row[0]), bytes(row[1])
    shown = asked.query.get("inline") == "1" and is_picture(media_type, data)
    headers = (
        ("Content-Disposition", "inline" if shown else f'attachment; filename="artifact-{int(asked.item)}"'),
        ("Content-Security-Policy", _FILE_POLICY),
        ("X-Content-Type-Options", "nosniff"),
    )
    return Answer(data, content_type=media_type if shown else "application/octet-stream", headers=headers)


_PAGES: tuple[tuple[str, Page], ...] = (
    ("case", _case),
    (r"signal/(?P<item>[^/]+)", _signal),
    ("timeline", _timeline),
    ("artifacts", _artifacts),
    ("verify", _verify),
    (r"compare/(?P<item>[^/]+)", _compare),
    (r"artifact/(?P<item>\d{1,18})", _artifact),
    (r"status\.json", _status),
)
