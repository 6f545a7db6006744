"""The review of a case in Datasette: this package is the plugin, and these are its hooks.

Installed beside Datasette it is found by its entry point, so that plain `datasette CASE.db` shows the case. It only reads. It must never
touch a database that is not a case, and it imports nothing heavy: every Datasette of this environment loads it.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from pluggy import HookimplMarker

hookimpl = HookimplMarker("datasette")


@hookimpl
def register_routes(datasette: Any) -> list[tuple[Any, Any]]:
    """The pages of a case; a path of another database is not matched at all."""
    from store.review.routes import routes

    return routes(datasette)


@hookimpl
def asgi_wrapper(datasette: Any) -> Any:
    """Headers that keep evidence inert, and the way from `/` to the only case."""
    from store.review.guard import guarded

    return guarded(datasette)


@hookimpl
def get_metadata(datasette: Any, key: Any, database: Any, table: Any) -> dict[str, Any]:
    """Titles, descriptions, facets and labels, read from each case."""
    if key in ("allow", "allow_sql", "plugins", "queries", "tables"):
        return {}  # asked for every table of every page, and none of ours
    from store.review.kit import metadata_of
    from store.review.recognise import cases_of

    described = {
        name: metadata_of(path, str(datasette.urls.database(name))) for name, path in cases_of(datasette).items()
    }
    return {"databases": described} if described else {}


@hookimpl
def canned_queries(datasette: Any, database: str, actor: Any) -> dict[str, Any]:
    """The questions that the case itself brings."""
    from store.review.kit import queries_of
    from store.review.recognise import cases_of

    path = cases_of(datasette).get(database)
    return queries_of(path) if path else {}


@hookimpl
def prepare_connection(conn: Any, database: str, datasette: Any) -> None:
    """Let no statement of a case reach another file: neither ATTACH nor VACUUM INTO works on its connections."""
    from store.review.recognise import cases_of

    if database in cases_of(datasette):
        conn.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)


@hookimpl
def render_cell(value: Any, column: str, database: str, datasette: Any) -> Any:
    """Times readable in UTC, states explained, references as links, and no text of evidence as a link."""
    from store.review.cells import show_cell
    from store.review.recognise import cases_of

    if database not in cases_of(datasette):
        return None
    return show_cell(value, column, base=str(datasette.urls.database(database)))


@hookimpl
def menu_links(datasette: Any, actor: Any, request: Any) -> list[dict[str, str]]:
    """One entry per case in Datasette's menu."""
    from store.review.recognise import cases_of

    return [
        {"href": f"{datasette.urls.database(name)}/-/case", "label": f"Case {name}"} for name in cases_of(datasette)
    ]


@hookimpl
def database_actions(datasette: Any, actor: Any, database: str, request: Any) -> list[dict[str, str]]:
    """The way from the list of tables back to the case."""
    from store.review.recognise import cases_of

    if database not in cases_of(datasette):
        return []
    base = datasette.urls.database(database)
    return [{"href": f"{base}/-/case", "label": "The case"}, {"href": f"{base}/-/timeline", "label": "Timeline"}]


@hookimpl
def startup(datasette: Any) -> Any:
    """Make ready once: fast views, and on Datasette 1.0 the metadata that has no hook any more."""
    from store.review.ready import make_ready

    return make_ready(datasette)
