"""Where the targets of links are found: in Datasette, or inside one static file."""

from __future__ import annotations

from urllib.parse import urlencode

from store.review.document import FileOf, PageOf, QueryOf, RowOf, RowsOf, Target
from store.review.recognise import tilde


class DatasettePlaces:
    """Addresses below one case's database in Datasette; `asked` is carried along so that every page answers the same question."""

    def __init__(self, base: str, *, asked: tuple[tuple[str, str], ...] = ()) -> None:
        self._base = base
        self._asked = asked

    def href(self, target: Target) -> str | None:
        """The address of a target."""
        match target:
            case RowOf():
                return f"{self._base}/{tilde(target.table)}/{target.id}"
            case RowsOf():
                query = urlencode([(f"{column}__{comparison}", value) for column, comparison, value in target.filters])
                return f"{self._base}/{tilde(target.table)}" + (f"?{query}" if query else "")
            case FileOf():
                return f"{self._base}/-/artifact/{target.id}" + ("?inline=1" if target.inline else "")
            case QueryOf():
                return f"{self._base}/{tilde(target.name)}"
            case PageOf():
                return self._page(target)

    def source(self, file: FileOf) -> str | None:
        """The address of an image's bytes."""
        return self.href(file)

    def _page(self, target: PageOf) -> str:
        if target.name == "tables":
            return self._base
        item = f"/{tilde(target.item)}" if target.item else ""
        query = f"?{urlencode(self._asked)}" if self._asked else ""
        anchor = f"#{target.anchor}" if target.anchor else ""
        return f"{self._base}/-/{target.name}{item}{query}{anchor}"
