"""The receipt: one line that says which file was handed over, small enough for a chat, a ticket or a signature.

    closeout-receipt/1 kind=seal case=5f0c… from=…Z to=…Z worst=tripped head=42:9ab3… rows=1204 sha256=77… file=incident.db

A receipt kept outside the file is what lets `verify` see that the file was neither shortened nor rewritten.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import quote, unquote

from store.errors import BadInput
from store.instants import format_instant, parse_instant

FORM = "closeout-receipt/1"

_HEX = re.compile(r"[0-9a-f]{64}")
_HEAD = re.compile(r"(?:(?P<seq>\d+)[: ])?(?P<hex>[0-9a-fA-F]{64})")
_KINDS = ("seal", "copy")


class GivenHead(NamedTuple):
    """A head as somebody kept it; `seq` is None where only the hash was kept."""

    seq: int | None
    head: str


class Receipt(NamedTuple):
    """What was handed over. `next` is who goes on, in the words of whoever handed over; `drill` marks a rehearsal."""

    kind: str
    case_id: str
    from_ms: int
    to_ms: int
    worst: str
    seq: int
    head: str
    rows: int
    sha256: str
    file: str
    drill: bool = False
    next: str = ""

    def line(self) -> str:
        """The receipt as one line of text."""
        fields = {
            "kind": self.kind,
            "case": self.case_id,
            **({"drill": "1"} if self.drill else {}),
            "from": format_instant(self.from_ms),
            "to": format_instant(self.to_ms),
            "worst": self.worst,
            "head": f"{self.seq}:{self.head}",
            "rows": str(self.rows),
            "sha256": self.sha256,
            "file": quote(self.file, safe=""),
            **({"next": quote(self.next, safe="")} if self.next else {}),
        }
        return " ".join([FORM, *(f"{name}={value}" for name, value in fields.items())])


def read_head(text: str) -> GivenHead:
    """Read `SEQ:HEX`, `SEQ HEX` or the 64 hexadecimal digits alone.

    Raises:
        BadInput: none of these.
    """
    match = _HEAD.fullmatch(text.strip())
    if match is None:
        raise BadInput(
            f"{text!r} is not a head", "a head is 64 hexadecimal digits, with or without its number: 42:9ab3…"
        )
    return GivenHead(int(match["seq"]) if match["seq"] else None, match["hex"].lower())


def read_receipt(text: str, *, name: str = "the receipt") -> Receipt:
    """Read the receipt in a text; other lines, such as those of a chat, are passed over.

    Raises:
        BadInput: none is in it, several different ones are, or it is damaged.
    """
    found = {part.strip() for part in re.findall(rf"{re.escape(FORM)}[^\r\n]*", text)}
    if not found:
        raise BadInput(f"there is no receipt in {name}", f"a receipt is one line that begins with {FORM}")
    if len(found) > 1:
        raise BadInput(f"{name} holds {len(found)} different receipts", "keep the line of this case only")
    fields = dict(part.split("=", 1) for part in found.pop().split()[1:] if "=" in part)
    try:
        return _receipt(fields)
    except (KeyError, ValueError, BadInput) as error:
        raise BadInput(f"the receipt in {name} is damaged: {error}", "ask for it again; it is one line") from error


def _receipt(fields: dict[str, str]) -> Receipt:
    seq, head = read_head(fields["head"])
    if seq is None or not _HEX.fullmatch(fields["sha256"]) or fields["kind"] not in _KINDS:
        raise ValueError("a field is not what it should be")
    return Receipt(
        fields["kind"],
        fields["case"],
        parse_instant(fields["from"]),
        parse_instant(fields["to"]),
        fields["worst"],
        seq,
        head,
        int(fields["rows"]),
        fields["sha256"],
        unquote(fields["file"]),
        fields.get("drill") == "1",
        unquote(fields.get("next", "")),
    )
