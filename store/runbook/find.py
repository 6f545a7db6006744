"""Where runbooks are and how they are read. The shipped one is never a silent default: callers ask for it."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from store.errors import BadInput
from store.runbook.model import Runbook

LARGEST_BYTES = 4 * 1024 * 1024
"""A runbook is read by people; anything larger is another file given by mistake."""


def read_text(path: Path) -> str:
    """Read a runbook's text without touching its line ends, so that its hash is the hash of the file's bytes.

    Raises:
        BadInput: no such file, a folder, not readable, too large, binary, or not UTF-8.
    """
    hint = "give the path of a runbook in Markdown, or write one with `closeout new`"
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise BadInput(f"{path} is larger than a runbook can be ({LARGEST_BYTES} bytes)", hint)
        data = path.read_bytes()
    except FileNotFoundError:
        raise BadInput(f"there is no file {path}", hint) from None
    except IsADirectoryError:
        raise BadInput(f"{path} is a folder", hint) from None
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}", hint) from None
    if b"\x00" in data:
        raise BadInput(f"{path} is a binary file", hint)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadInput(f"{path} is not UTF-8: line {line} has the byte 0x{data[error.start]:02x}", hint) from None


def read_runbook(path: Path | str) -> Runbook:
    """Read and check the runbook in a file.

    Raises:
        BadInput: the file cannot be read as text.
        RunbookInvalid: the runbook has faults.
    """
    # The parser pulls in the validation library; whoever only asks where a runbook is does not pay for it.
    from store.runbook.parse import parse_runbook

    return parse_runbook(read_text(Path(path)), str(path))


def shipped_runbook_path() -> Path:
    """Return the runbook that comes with the program: packed into a wheel, at the root of a checkout.

    Raises:
        BadInput: this installation has none.
    """
    packed = Path(str(files("store.runbook").joinpath("shipped.md")))
    checkout = Path(__file__).resolve().parents[2] / "runbook.md"
    for path in (packed, checkout):
        if path.is_file():
            return path
    raise BadInput("this installation holds no shipped runbook", "install closeout again, or give --runbook FILE")
