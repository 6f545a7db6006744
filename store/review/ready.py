"""What is made ready once, when Datasette starts: quick states, and for Datasette 1.0 the words that 0.65 asks for by hook."""

from __future__ import annotations

from typing import Any

from store.review.kit import metadata_of, queries_of
from store.review.quick import quicken
from store.review.recognise import cases_of


def make_ready(datasette: Any) -> Any:
    """The coroutine function that Datasette awaits at start."""

    async def ready() -> None:
        quicken(datasette)
        if hasattr(datasette, "set_database_metadata"):
            for name, path in cases_of(datasette).items():
                await _store_metadata(datasette, name, metadata_of(path, str(datasette.urls.database(name))))
                await _store_queries(datasette, name, queries_of(path))

    return ready


async def _store_metadata(datasette: Any, name: str, metadata: dict[str, Any]) -> None:
    for key in ("title", "description_html"):
        await datasette.set_database_metadata(name, key, metadata[key])
    for table, entry in metadata["tables"].items():
        if entry.get("description"):
            await datasette.set_resource_metadata(name, table, "description", entry["description"])
        for column, text in entry.get("columns", {}).items():
            await datasette.set_column_metadata(name, table, column, "description", text)


async def _store_queries(datasette: Any, name: str, queries: dict[str, dict[str, Any]]) -> None:
    if not hasattr(datasette, "add_query"):
        return
    for query, entry in queries.items():
        await datasette.add_query(name, query, entry["sql"], title=entry["title"], is_trusted=True)
