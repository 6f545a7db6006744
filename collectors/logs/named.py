"""Where in a text the values lie that a name before them gives away: behind a sign, in lists and objects, or beside it.

Knows how values are written, not what is done with them: JSON at any depth of escaping, also with the doubled quotes of
CSV, what Node, Python and Java print, header lines. Every step forward is taken once, so hostile text costs no more than
long text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

Span = tuple[int, int]
_QUOTES, _OPENERS, _CLOSERS = frozenset("\"'`"), frozenset("[{("), frozenset("]})")

_ANYWHERE = (
    "token", "secret", "passw", "passphrase", "pwd", "_key", "-key", "apikey", "atekey", "esskey", "authkey", "icekey", "srf",
    "client_ip", "client-ip", "clientip", "remote_addr", "remote-addr", "remoteaddr", "forwarded", "real-ip",
)  # fmt: skip
QUERIES = frozenset(("query", "params", "search"))
"""Names of what is secret as far as it is a query string."""
WORDS = (*_ANYWHERE, *sorted(QUERIES), "session", "credential", "otp", "cookie", "authorization")
"""Where none of them is, no name is that of a secret."""
MARK = r"\[(?:masked|secret|email|token|address|credentials)\]"
"""What stands for something masked, and is not masked again."""

# Some words are parts of harmless names unless they end them. A query's value is looked at piece by piece.
_NAME = re.compile(
    rf"(?P<line>cookie)|(?P<credentials>authorization\Z)|(?P<query>(?:query_?string|{'|'.join(sorted(QUERIES))})\Z)"
    r"|(?:session(?:[_-]?(?:id|key|token))?|credentials?|(?:(?<![a-z])|(?<=\\[nrt]))otp)\Z"
    rf"|{'|'.join(_ANYWHERE)}"
)
# Between the parts: white space, also as JSON spells it.
_GAP = r"(?:\s|\\+[nrt])*+"
_GAPS = re.compile(_GAP)
_KEY = re.compile(rf"(?P<rest>[\w-]*+)(?P<close>[\"'`\\\]]*+)\s*+(?P<sign>=>|[:=,}}]|){_GAP}")
_SIGN = re.compile(rf"{_GAP}(?:=>|[:=])")
_MEMBER = re.compile(rf"[\w$.-]++{_GAP}(?:=>|:(?!//))")
_VALUE_MEMBER = re.compile(rf"value[\"'`\\]*+{_GAP}(?:=>|[:=]){_GAP}")
_AROUND = 1024
"""How far a member of the same object is looked for."""

_BRACES = re.compile(r"[{}]")
_MARK = re.compile(MARK)
_OPENING = re.compile(r"(?:[bBuUrRfF]{1,2}(?=\\*[\"'][^\s,;}\])]))?(\\*+)([\"'`])")
_FILLED = re.compile(r"[^\s,;&}\])\"\\]|[,;&}\])](?=[^\s\"'\\,;}\])])")
# What looks like the opening of a value but ends what holds the name.
_BETWEEN = re.compile(r"(\\*+[\"'`])\s*+[,:;}\])][\s,:;}\])]*+(?=\1|\Z)")
_TWO_MORE = re.compile(r"[^\"\n]*+\"\"")
_JOIN = re.compile(rf"{_GAP}\+{_GAP}(?=\\*[\"'`])")
_TAG = re.compile(r"(?:\[[A-Z]\w*(?:: null prototype)?\]|[A-Z]\w*\(\d+\))\s*(?=[\[{])")
_CLASS = re.compile(r"[A-Z]\w*")
_ANGLED = re.compile(r"<([^<>\r\n]++)>(?=[\s,;)}\]\"'\\]|\Z)")
_WORD = re.compile(r"(?:[^\s\"',;&}\])\\]|\\++(?=[^nrt\"'`\s]))++")
_ITEM = re.compile(r"[^\r\n\"'`,\[\]{}()\\]++")
_FOLLOWED = re.compile(rf"{_GAP}[,\[\]{{}}()]")
_SECOND_WORD = re.compile(r"[ \t]++[^\s\"',;\\}\[\]]++")
_SCHEME = re.compile(
    r"(?i)(?:(?:basic|bearer|apikey|negotiate|ntlm|token(?!\s+[{(]))|(?P<listed>digest|aws4-hmac-sha256|signature|hawk|oauth))\s+"
)
_LINE_BREAK = re.compile(r"[\r\n]|(?<!\\)\\++[nr]")
_FARTHEST = 4096
"""How far behind its line a quote is looked for. Of apostrophes too many stand alone."""
_HARMLESS = frozenset(("null", "none", "nil", "true", "false", "undefined"))
_ABSENT = re.compile(rf"(?i)(?:{'|'.join(sorted(_HARMLESS))})(?=\s*(?:[,)\]}}\"'\r\n]|\Z))")
_COUNTED = re.compile(r"tokens|cookies")
_COUNT = re.compile(r"\d{1,9}(?:[.,_/]\d{1,9})*[kKmM]?(?=[\s,;)\]}&\"']|\\+[nrt\"']|\.?(?:\s|\Z))")
_PIECE = re.compile(r"(?:[^=&]*+=)?+([^&]*+)&?")
_FIRST_PIECE = re.compile(r"\??[^\s=&]{1,80}=")


def named(text: str, lower: str, words: Iterable[str]) -> list[Span]:
    """Where the secret values lie, in order; `lower` is the text in lower case, `words` are those of WORDS it holds."""
    values = _Values(text, lower)
    done = 0
    for place in sorted(at for word in words for at in _finds(lower, word)):
        if place < done or (key := _KEY.match(text, place)) is None:
            continue
        done = key.end("rest")
        if name := _NAME.search(lower, place, done):
            done = max(done, values.behind(key, name.lastgroup or "", lower[place:done]))
    return values.found()


def query_pieces(text: str, start: int, end: int, *, nameless: bool) -> Iterator[Span]:
    """Where the values of a query string lie, on demand also those without a name."""
    for piece in _PIECE.finditer(text, start, end):
        if piece[1] and (nameless or piece.start(1) > piece.start()):
            yield piece.span(1)


class _Quoted(NamedTuple):
    """A quoted value: where its content begins and ends, and where the text goes on."""

    start: int
    end: int
    after: int


class _Values:
    """Notes what is secret in the values that follow one name after the other."""

    def __init__(self, text: str, lower: str) -> None:
        self._text, self._lower = text, lower
        self._spans: list[Span] = []
        self._start = 0
        self._close = self._kind = ""
        self._counted = False
        self._line_end = self._break = -1

    def found(self) -> list[Span]:
        """What was noted, in order and without overlaps."""
        kept: list[Span] = []
        for start, end in sorted(self._spans):
            if kept and start < kept[-1][1]:
                kept[-1] = kept[-1][0], max(end, kept[-1][1])
            else:
                kept.append((start, end))
        return kept

    def behind(self, key: re.Match[str], kind: str, name: str) -> int:
        """Note what a name gives away; tell where that ends."""
        self._start, self._close = key.start(), key["close"]
        self._kind, self._counted = kind, _COUNTED.search(name) is not None
        if key["sign"] in (":", "=", "=>"):
            is_query, at = kind == "query", key.end()
            return self._query(at, nameless=name.endswith("string")) if is_query else self._value(at)
        if key["sign"] and kind != "query" and not _QUOTES.isdisjoint(self._close) and self._quote_before():
            return self._beside(key.end(), last=key["sign"] == "}")
        return key.end("rest")

    def _value(self, at: int) -> int:
        if known := _MARK.match(self._text, at):
            return known.end()
        if tag := _TAG.match(self._text, at):
            at = tag.end()
        return self._structure(at) if self._text[at : at + 1] in _OPENERS else self._single(at)

    def _structure(self, at: int) -> int:
        """Every item and every member's value, however deep; up to the first thing that is neither."""
        open_: list[str] = []
        while True:
            if tag := _TAG.match(self._text, at):
                at = tag.end()
            sign = "" if _MARK.match(self._text, at) else self._text[at : at + 1]
            if sign in _OPENERS:
                open_.append(sign)
                at += 1
            elif sign in _CLOSERS:
                open_.pop()
                at += 1
                if not open_:
                    return at
            elif sign == ",":
                at += 1
            elif member := self._member(at, in_object=open_[-1:] == ["{"]):
                at = member
            else:
                at = self._item(at)
                if not open_ or not _FOLLOWED.match(self._text, at):
                    return at
            at = self._over_gap(at)

    def _member(self, at: int, *, in_object: bool) -> int:
        """Behind the name of a member and its sign; 0 if there is none."""
        if value := self._quoted(at):
            sign = _SIGN.match(self._text, value.after)
            return sign.end() if sign and (in_object or sign[0].endswith(">")) else 0
        bare = _MEMBER.match(self._text, at) if in_object else None
        return bare.end() if bare else 0

    def _item(self, at: int) -> int:
        if known := _MARK.match(self._text, at):
            return known.end()
        if (end := self._enclosed(at)) is not None:
            return end
        bare = _ITEM.match(self._text, at)
        if bare is None:
            return at
        self._note_bare(at, bare.end())
        return bare.end()

    def _single(self, at: int) -> int:
        """A value that is no structure, up to where it ends by itself."""
        if between := _BETWEEN.match(self._text, at):
            return between.end()
        if (end := self._enclosed(at)) is not None:
            return end
        scheme = _SCHEME.match(self._text, at)
        if scheme:
            at = scheme.end()
        if known := _MARK.match(self._text, at):
            return known.end()
        if self._counted and (count := _COUNT.match(self._text, at)):
            return count.end()
        if self._kind == "line" and (absent := _ABSENT.match(self._text, at)):
            return absent.end()
        if self._kind == "line" or (scheme and scheme["listed"]):
            end = self._end_of_header(at)
            self._note(at, end)
            return end
        word = _WORD.match(self._text, at)
        if word is None:
            return at
        end = word.end()
        if self._kind == "credentials" and not scheme and (second := _SECOND_WORD.match(self._text, end)):
            end = second.end()
        self._note_bare(at, end)
        return self._constructed(word[0], end)

    def _constructed(self, word: str, at: int) -> int:
        """What a class holds whose name was taken for the value: `Token { … }`, `Secret('…')`."""
        if word.endswith("(") and self._text[at : at + 1] in _QUOTES:
            return self._single(at)
        inside = self._over_gap(at)
        return self._structure(inside) if _CLASS.fullmatch(word) and self._text[inside : inside + 1] in _OPENERS else at

    def _query(self, at: int, *, nameless: bool) -> int:
        """A query string; anything else of that name is none of our business."""
        value = self._quoted(at)
        if value and (nameless or _FIRST_PIECE.match(self._text, value.start, value.end)):
            for span in query_pieces(self._text, value.start, value.end, nameless=nameless):
                self._note(*span)
            return value.after
        return at

    def _beside(self, at: int, *, last: bool) -> int:
        """A value that is the member called `value` of the same object, or the next item of a list."""
        if earlier := self._earlier():
            self._value(earlier)
        if earlier or last:
            return at
        later = _VALUE_MEMBER.search(self._lower, at, at + _AROUND)
        if later and self._is_one_object(at, later.start()):
            return self._value(later.end())
        item = self._quoted(at)
        listed = item and not _SIGN.match(self._text, item.after)
        return self._value(at) if listed or self._text[at : at + 1] == "[" else at

    def _earlier(self) -> int:
        """Where the value of a member begins that stands before the name; 0 if none does."""
        members = list(_VALUE_MEMBER.finditer(self._lower, max(0, self._start - _AROUND), self._start))
        value = self._quoted(members[-1].end()) if members else None
        before = value and value.after < self._start and self._is_one_object(value.after, self._start)
        return members[-1].end() if before else 0

    def _is_one_object(self, start: int, end: int) -> bool:
        return not _BRACES.search(self._text, start, end)

    def _enclosed(self, at: int) -> int | None:
        """The end of a value in quotes, put together or not, or in angles; None if it is bare."""
        value = self._quoted(at)
        if value is None:
            angled = _ANGLED.match(self._text, at)
            if angled:
                self._note(*angled.span(1))
            return angled.end() if angled else None
        scheme = _SCHEME.match(self._text, value.start, value.end) if self._kind == "credentials" else None
        self._note(scheme.end() if scheme else value.start, value.end)
        while (join := _JOIN.match(self._text, value.after)) and (value := self._quoted(join.end()) or value):
            self._note(value.start, value.end)
        return value.after

    def _quoted(self, at: int) -> _Quoted | None:
        opening = _OPENING.match(self._text, at)
        if opening is None:
            return None
        slashes, quote, start = opening[1], opening[2], opening.end()
        doubled = quote == '"' and self._text.startswith('"', start) and self._is_doubled(start + 1)
        start += doubled
        line = self._end_of_line(start)
        limit = line if quote == "'" else max(line, start + _FARTHEST)
        end, after = self._closing(start, limit, slashes, quote, doubled=doubled)
        return _Quoted(start, end, after) if after else _Quoted(start, line, line)

    def _is_doubled(self, at: int) -> bool:
        """Whether two quotes open a value, as in a field of CSV, and are not an empty one; the name's quotes may tell."""
        if '"' in self._close:
            return '""' in self._close
        return bool(_FILLED.match(self._text, at) or _TWO_MORE.match(self._text, at))

    def _closing(self, start: int, limit: int, slashes: str, quote: str, *, doubled: bool) -> tuple[int, int]:
        """Where a content ends and the text goes on: at the quote of the same depth of escaping, or of a lesser one; at the
        limit and 0 if there is none before it.
        """
        text, at, depth = self._text, start, len(slashes)
        while (at := text.find(quote, at, limit)) >= 0:
            before = at
            while before > start and text[before - 1] == "\\":
                before -= 1
            escapes, twice = at - before, text.startswith(quote, at + 1)
            if escapes < depth or (doubled and not twice):
                return before, before
            # Of quotes that JSON does not escape the depth cannot be told.
            deeper = escapes > 0 if quote != '"' and not depth else escapes % (2 * depth + 2) != depth
            if not deeper and (doubled or not twice or depth or at == start):
                return at - depth, at + 1 + doubled
            at += 1 + twice
        return limit, 0

    def _end_of_header(self, at: int) -> int:
        """Where a header's line ends: with what holds it, or at a line break, also one that JSON spells."""
        held = "" if self._close else self._quote_before()
        held = held or ('"' if self._in_string() else "")
        if at > self._break:  # searched for once, however many headers stand before it
            line_break = _LINE_BREAK.search(self._text, at)
            self._break = line_break.start() if line_break else len(self._text)
        return self._closing(at, self._break, held[:-1], held[-1], doubled=False)[0] if held else self._break

    def _quote_before(self) -> str:
        """The quote that the name follows directly, with its backslashes."""
        text, at = self._text, self._start
        while at > 0 and (text[at - 1].isalnum() or text[at - 1] in "_-."):
            at -= 1
        end = at
        if at > 0 and text[at - 1] in _QUOTES:
            at -= 1
            while at > 0 and text[at - 1] == "\\":
                at -= 1
        return text[at:end]

    def _in_string(self) -> bool:
        """Whether the name stands inside of double quotes, as far as its line tells; a very long line is a record's."""
        earliest = max(0, self._start - 2 * _FARTHEST)
        line = self._text.rfind("\n", earliest, self._start) + 1
        if not line and earliest:
            return True
        quotes = self._text.count('"', line, self._start) - self._text.count('\\"', line, self._start)
        return quotes % 2 == 1

    def _end_of_line(self, at: int) -> int:
        if at > self._line_end:
            found = self._text.find("\n", at)
            self._line_end = len(self._text) if found < 0 else found
        return self._line_end

    def _over_gap(self, at: int) -> int:
        gap = _GAPS.match(self._text, at)
        return gap.end() if gap else at

    def _note_bare(self, start: int, end: int) -> None:
        value = self._text[start:end].strip()
        if value.lower() not in _HARMLESS and not (self._counted and _COUNT.fullmatch(value)):
            self._note(start, start + len(self._text[start:end].rstrip()))

    def _note(self, start: int, end: int) -> None:
        if start < end and not _MARK.fullmatch(self._text, start, end):
            self._spans.append((start, end))


def _finds(text: str, word: str) -> Iterator[int]:
    at = text.find(word)
    while at >= 0:
        yield at
        at = text.find(word, at + len(word))
