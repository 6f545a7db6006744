"""Small runbooks for the tests of the drill, made of parts that a test can change."""

from __future__ import annotations

SOURCE = 'id = "app"\nkind = "logs"\n'
JSONL = (
    SOURCE
    + 'format = "jsonl"\n[fields]\ntime = "ts"\nmessage = "line.text"\nroute = "http.path"\nstatus = "http.status"\n'
)
CSV = JSONL.replace("jsonl", "csv")
SIGNATURE = 'id = "slow"\nroute = "/api/orders/*"\nmessage = ["took too long"]\ngroup = "orders"\n'
COUNT = 'kind = "count"\nsignatures = ["slow"]\nover = 7'


def runbook_of(
    *trips: str, source: str = SOURCE, command: str = "", signatures: tuple[str, ...] = (SIGNATURE,), signal: str = "",
    rollback: str = 'do = "Undo it."', window: str = "10m", head: str = "", more: str = "",
) -> str:  # fmt: skip
    """A runbook with one source, one signal with these `[[trip]]` bodies, and one step."""
    parts = [f'# Orders\n\n```toml runbook\nid = "orders"\n{head}```\n', f"```toml source\n{source}```\n"]
    parts += [f"```sh\n{command}\n```\n"] if command else []
    parts += [f"### A signature\n\n```toml signature\n{text}```\n" for text in signatures]
    bodies = "".join(f"[[trip]]\n{trip}\n" for trip in trips or (COUNT,))
    parts.append(
        f'### Orders are slow\n\n```toml signal\nid = "orders-slow"\nstreams = ["app"]\nwindow = "{window}"\n'
        f'owner = ["on-call"]\n{signal}{bodies}[rollback]\n{rollback}\n```\n'
    )
    parts.append('### Look\n\n```toml step\nid = "look"\nkind = "capture"\nfeeds = ["app"]\nneeds = []\n```\n')
    parts += [more] if more else []
    parts.append('### End\n\n```toml step\nid = "end"\nkind = "seal"\nneeds = []\n```\n')
    return "\n".join(parts)


def line_of(text: str, words: str) -> int:
    """The 1-based line on which some words stand."""
    return text[: text.index(words)].count("\n") + 1
