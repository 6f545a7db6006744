"""Masks what must not be kept before anything is stored: mail addresses, credentials, cookies, tokens, query values,
client addresses, and the values of the secrets that the runbook declares. Every masking is counted. Better a word too
many masked than one too few.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from urllib.parse import quote, quote_plus

from collectors.logs.hints import Hints
from collectors.logs.named import MARK, QUERIES, WORDS, Span, named, query_pieces
from collectors.logs.values import strip_ansi

RAW_LIMIT = 8 * 1024
_HEAD, _TAIL = 6 * 1024, 2 * 1024
# What is looked at around the kept ends, so that a secret on the cutting edge is still seen whole.
_MARGIN = 16 * 1024
_SHORTEST_SECRET = 4
_ROUTES = 4_000

_UNMASKED = rf"(?!{MARK})"
_URL_CREDENTIALS = re.compile(r"(:\\?/\\?/)[^\s/\"'\\<>]+@(?=[\w\[])")
_BEARER = re.compile(r"(?i)\b((?:bearer\s+)+)[\w.~+/=-]{6,}")
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY[A-Z ]*-----(?s:.)*?(?:-----END[A-Z -]*|\Z)")
_TOKEN = re.compile(
    r"\beyJ[\w-]{5,600}\.[\w-]{5,}(?:\.[\w-]*)?|\b(?:sk|pk|rk)_(?:live|test)_\w{8,}|\bsk-[\w-]{16,}|\bgh[pousr]_\w{20,}"
    r"|\bgithub_pat_\w{20,}|\bxox[abeprs]-[\w-]{8,}|\bA(?:KIA|SIA)[A-Z0-9]{12,}|\bAIza[\w-]{20,}|\bglpat-[\w-]{10,}"
    r"|\bnpm_\w{20,}|\bSG\.[\w-]{10,}\.[\w-]{10,}"
    r"|\bwhsec_[\w+/=-]{10,}|\bsbp_\w{20,}|\bsignkey-\w+-\w{16,}"
)
_TOKEN_HINTS = frozenset(
    (
        "eyj", "_live_", "_test_", "sk-", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "xox", "akia", "asia", "aiza",
        "glpat-", "npm_", "sg.", "whsec_", "sbp_", "signkey-",
    )
)  # fmt: skip
_LOCAL = r"[\w.!#$%&'*+/=?^`{|}~\x80-\U0010ffff-]"
_MAIL = re.compile(rf"(?<!{_LOCAL}){_LOCAL}+(?:@|%(?:25)*40)(?:[\w\x80-\U0010ffff-]+\.)+(?:xn--[\w-]+|[^\W\d_]{{2,}})")
_QUERY = re.compile(rf"([?&;#][\w.~%\[\]:-]{{1,80}}=){_UNMASKED}[^&\s\"'<>\\#]+")
# The same encoded, any number of times, in one more address or alone.
_QUERY_ENCODED = re.compile(
    rf"(%(?P<more>(?:25)*)(?:3[Ff]|26|23)[\w.~%\[\]:-]{{1,80}}?%(?P=more)3[Dd]){_UNMASKED}(?:(?!%(?P=more)26)[^&\s\"'<>\\#])+"
)
_IN_QUERY = r"[^\s\"'<>\\#&;?"
_SEARCH = re.compile(rf"\?((?:(?:{_IN_QUERY}=]*+={_IN_QUERY}]*+)?+[&;])*+{_IN_QUERY}=]++(?!=)[^\s\"'<>\\#]*+)")
# Pieces without a sign; of those the place in a file that a stack trace names stays.
_NAMELESS = re.compile(rf"(?<![^&;]){_UNMASKED}(?!\d{{1,2}}:\d+:\d+)(?=[^=&;]*\w)[^=&;]+(?![^&;])")
_NO_ADDRESS = re.compile(r"[\s\"'<>\\]")
_LONGEST_PATH = 2048
_IP = re.compile(
    r"(?<![\w./-])(?!(?:10|127|0|192\.168|169\.254|172\.(?:1[6-9]|2\d|3[01]))\.)(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\w.]{0,16}\d)"
)
_IP_MIDDLE = re.compile(r"\.\d{1,3}\.\d{1,3}\.(?=\d)")
# Public ones of the longer kind all begin with 2 or 3 and three more; times and hardware addresses do not.
_IP6 = re.compile(
    r"(?i)(?<![\w.])[23][\da-f]{3}(?:(?::[\da-f]{1,4}){7}|(?::[\da-f]{1,4}){0,6}?::(?:[\da-f]{1,4}(?::[\da-f]{1,4}){0,6})?)(?!\w)"
)
_IP6_BEGINNING = re.compile(r":[\dA-Fa-f:](?<=[23][\dA-Fa-f]{3}:.)")
_OPTION = re.compile(
    rf"(?i)((?:--?[\w-]*(?:token|secret|passw|api-?key|cookie|credential)[\w-]*|(?<![\w-])-t)[ =]\s*){_UNMASKED}[^\s-]\S*"
)
# What stands between a secret's letters, or for them: colours, escapes of JSON, colours whose first character was lost.
_DISGUISES = frozenset(("\x1b", "\x9b", "\\u", "\\/", "[39m", "[0m"))
_HEX = r"[\dA-Fa-f]"
_ESCAPE = re.compile(
    rf"\\(?<!\\\\)(?:(\\*+)u(?:([dD][89abAB]{_HEX}{{2}})\\++u([dD][c-fC-F]{_HEX}{{2}})|({_HEX}{{4}}))|\\*+(?:/|(?:x1[bB]|033|e)(?=\[)))"
)
_COLOUR = re.compile(r"\[\d{1,3}(?:;\d{1,3}){0,5}m(?!\])")
# Request ids of the platforms, numbers, our own digests, and paths of plain words.
_HARMLESS = re.compile(
    r"\d{1,40}|[0-9a-f]{24}|[a-z0-9]{5}-1\d{12}-[0-9a-f]{12}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?:/[a-z][a-z-]{0,20}){1,8}"
)
# One search finds all that is worth a closer look.
_NAMES = frozenset(WORDS)
_CAPITALS = re.compile(r"[A-Z]+")
_HINTS = Hints((*WORDS, *_TOKEN_HINTS, *_DISGUISES, "bearer", "private key"))


def declared_secrets(names: Iterable[str], environment: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Values of the secrets that a runbook names, from the environment."""
    values = environment if environment is not None else os.environ
    return tuple(values[name].strip() for name in names if len(values.get(name, "").strip()) >= _SHORTEST_SECRET)


class Redactor:
    """Masks texts and counts the maskings."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self.count = 0
        self._plain_routes: set[str] = set()
        spellings = {
            form
            for secret in secrets
            for plain in (secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1])
            for form in (plain, plain.replace('"', '""'))
        }
        longest_first = sorted(filter(None, spellings), key=lambda s: (-len(s), s))
        self._secrets = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    @classmethod
    def like(cls, other: Redactor) -> Redactor:
        """One that masks the same and has counted nothing yet."""
        twin = cls()
        twin._secrets = other._secrets
        return twin

    def text(self, text: str, query: str = "") -> str:
        """A text with everything masked that must not be kept; also free of what a database cannot store. Masked as it
        reads without its disguise; where there is nothing to mask it stays as it is written.
        """
        if not text.isascii() or "\0" in text:
            text = text.replace("\0", "\u2400").encode("utf-8", "replace").decode("utf-8")
        hints = _HINTS.within(text.lower())
        if hints and not _DISGUISES.isdisjoint(hints) and (plain := _undisguised(text)) != text:
            before = self.count
            masked = self._masked(plain, _HINTS.within(plain.lower()), _undisguised(query))
            if self.count > before:
                return masked
        return self._masked(text, hints, query)

    def _masked(self, text: str, hints: set[str], query: str) -> str:
        if query:
            text = self._without_query(text, query)
        if self._secrets:
            text = self._swap(self._secrets, "[secret]", text)
        if "@" in text or ("%" in text and "40" in text):
            text = self._swap(_URL_CREDENTIALS, r"\1[credentials]@", text)
            text = self._swap(_MAIL, "[email]", text)
        if "=" in text and ("?" in text or "&" in text or ";" in text or "#" in text):
            text = self._swap(_QUERY, r"\1[masked]", text)
        if "%" in text:
            text = self._swap(_QUERY_ENCODED, r"\1[masked]", text)
        if "?" in text:
            text = _SEARCH.sub(self._search, text)
        if hints:
            text = self._named(text, hints)
        if _IP_MIDDLE.search(text):
            text = self._blanked(text, _addresses(text), "[address]")
        return self._swap(_IP6, "[address]", text) if _IP6_BEGINNING.search(text) else text

    def _named(self, text: str, hints: set[str]) -> str:
        """Mask what is named by a word before it, and tokens that their own beginning betrays."""
        if "private key" in hints:  # first: who masks its first line as a value hides where it begins
            text = self._swap(_PRIVATE_KEY, "[token]", text)
        words = _NAMES & hints
        if words and "=" not in text and "tring" not in text:  # but a query string need not have any sign
            words -= QUERIES
        if words:
            text = self._blanked(text, named(text, _lowered(text), words))
        if "bearer" in hints:
            text = self._swap(_BEARER, r"\1[masked]", text)
        return text if _TOKEN_HINTS.isdisjoint(hints) else self._swap(_TOKEN, "[token]", text)

    def short(self, text: str) -> str:
        """The same for ids, which are harmless as a rule."""
        if self._secrets is None and _HARMLESS.fullmatch(text):
            return text
        return self.text(text)

    def route(self, text: str) -> str:
        """The same for paths, of which a log has few."""
        if text in self._plain_routes:
            return text
        masked = self.short(text)
        if masked == text and len(self._plain_routes) < _ROUTES:
            self._plain_routes.add(text)
        return masked

    def command(self, text: str) -> str:
        """A command line, whose options may be followed by what they keep secret."""
        return self.text(self._swap(_OPTION, r"\1[masked]", text))

    def raw(self, data: bytes, query: object = None) -> str:
        """A record's bytes as bounded, masked text; `query` is the value of its query-string field."""
        known = query if isinstance(query, str) else ""
        if len(data) > RAW_LIMIT + 2 * _MARGIN:
            head = self.text(data[: _HEAD + _MARGIN].decode("utf-8", "replace"), known)
            tail = self.text(data[-(_TAIL + _MARGIN) :].decode("utf-8", "replace"), known)
            return _cut(head, tail, len(data) - _HEAD - _TAIL)
        text = self.text(data.decode("utf-8", "replace"), known)
        return text if len(text) <= RAW_LIMIT else _cut(text, text, len(text) - _HEAD - _TAIL)

    def _without_query(self, text: str, query: str) -> str:
        """A record's text with its own query string masked, also where CSV doubles the quotes of it."""
        for written in dict.fromkeys((query, query.replace('"', '""'))):
            if len(written) < _SHORTEST_SECRET or written not in text:
                continue
            place = re.escape(written)
            if "=" not in written:  # it may be any word, so only as a whole field
                place = rf"(?<![^,;|\t\"]){place}(?![^,;|\t\"\r\n])"
            text = re.sub(place, self._query_blanked, text)
        return text

    def _query_blanked(self, found: re.Match[str]) -> str:
        return self._blanked(found[0], query_pieces(found[0], 0, len(found[0]), nameless=True))

    def _search(self, match: re.Match[str]) -> str:
        """What follows a question mark has no need of names, if an address stands before it."""
        text, at = match.string, match.start()
        path = text.rfind("/", max(0, at - _LONGEST_PATH), at)
        before = text[at - 1 : at]
        in_address = before in ("'", '"') or (path >= 0 and before != "(" and not _NO_ADDRESS.search(text, path, at))
        return "?" + self._swap(_NAMELESS, "[masked]", match[1]) if in_address else match[0]

    def _blanked(self, text: str, spans: Iterable[Span], mark: str = "[masked]") -> str:
        """A text with a mark in place of each span."""
        parts: list[str] = []
        done = 0
        for start, end in spans:
            parts += (text[done:start], mark)
            done = end
        self.count += len(parts) // 2
        return "".join(parts) + text[done:] if parts else text

    def _swap(self, pattern: re.Pattern[str], by: str | Callable[[re.Match[str]], str], text: str) -> str:
        text, count = pattern.subn(by, text)
        self.count += count
        return text


def _cut(head: str, tail: str, count: int) -> str:
    return f"{head[:_HEAD]} …[{count} characters cut]… {tail[-_TAIL:]}"


def _addresses(text: str) -> Iterator[Span]:
    """Where the public internet addresses of the shorter kind are; looked for only where the middle of one is."""
    done = 0
    for middle in _IP_MIDDLE.finditer(text):
        start = middle.start()
        while start > 0 and middle.start() - start < 3 and text[start - 1].isdigit():
            start -= 1
        if start >= done and (match := _IP.match(text, start)) is not None:
            done = match.end()
            yield match.span()


def _lowered(text: str) -> str:
    """A text in lower case and of the same length, which some capitals in lower case are not."""
    lower = text.lower()
    return lower if len(lower) == len(text) else _CAPITALS.sub(lambda capitals: capitals[0].lower(), text)


def _undisguised(text: str) -> str:
    """A text as people read it: letters in place of their escapes, and no colours."""
    return _COLOUR.sub("", strip_ansi(_ESCAPE.sub(_letter, text)))


def _letter(escape: re.Match[str]) -> str:
    slashes, high, low, code = escape.groups()
    if slashes is None:
        return "/" if escape[0].endswith("/") else "\x1b"
    if high:
        return bytes.fromhex(high + low).decode("utf-16-be")
    letter = chr(int(code, 16))
    if letter in '"\\':  # still escaped, or it would end what holds it
        return "\\" * (2 * len(slashes) + 1) + letter
    return letter if letter.isprintable() or letter in "\x1b\x9b\u200b" else escape[0]
