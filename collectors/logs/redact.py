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

RAW_LIMIT = 8 * 1024
_HEAD, _TAIL = 6 * 1024, 2 * 1024
# What is looked at around the kept ends, so that a secret on the cutting edge is still seen whole.
_MARGIN = 16 * 1024
_SHORTEST_SECRET = 4
_ROUTES = 4_000

_KEY_WORDS = (
    "token", "secret", "passw", "passphrase", "pwd", "_key", "-key", "apikey", "atekey", "esskey", "authkey", "icekey", "credential",
    "session", "csrf", "xsrf", "otp", "client_ip", "client-ip", "clientip", "remote_addr", "remote-addr", "remoteaddr",
    "forwarded", "real-ip",
)  # fmt: skip
# Matched only where one of the words begins, which keeps it cheap. Some words are parts of harmless ones unless they
# end the key.
_KEYED = re.compile(
    r"(?i)((?:(?:session(?:[_-]?(?:id|key|token))?|credentials?|(?<![a-z])otp)(?![\w-])"
    r"|(?!tokens|session|credential|otp)[\w-]+)"
    r"[\"'\\\]]*\s*(?:=>|[:=])\s*)(?:(?P<q>\\*[\"'])(?P<v>(?:(?!(?P=q)).)+)|(?P<b>[^\s\"',;&}\])\\]+))"
)
_URL_CREDENTIALS = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*:\\?/\\?/)[^\s/@\"'\\]+@(?=[\w\[])")
_AUTHORIZATION = re.compile(
    r"(?i)(authorization[\"'\\\]]*\s*(?:=>|[:=])\s*[\"'\\]*)(?:((?:digest|aws4-hmac-sha256|signature)\s+)[^\r\n}]+"
    r"|((?:[a-z]+\s+)?)[^\s\"',;\\}]+)"
)
_BEARER = re.compile(r"(?i)\b(bearer\s+)[\w.~+/=-]{6,}")
_COOKIE = re.compile(
    r"(?i)(cookie2?[\"'\\\]]*\s*(?:=>|[:=])\s*(?P<q>\\*[\"'])?)(?(q)(?:(?!(?P=q)).)+|[^\"'\r\n\\]+)", re.DOTALL
)
_TOKEN = re.compile(
    r"\beyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*)?|\b(?:sk|pk|rk)_(?:live|test)_\w{8,}|\bsk-[\w-]{16,}|\bgh[pousr]_\w{20,}"
    r"|\bgithub_pat_\w{20,}|\bxox[abeprs]-[\w-]{8,}|\bA(?:KIA|SIA)[A-Z0-9]{12,}|\bAIza[\w-]{20,}|\bglpat-[\w-]{10,}"
    r"|\bnpm_\w{20,}|\bSG\.[\w-]{10,}\.[\w-]{10,}"
    r"|\bwhsec_[\w+/=-]{10,}|\bsbp_\w{20,}|\bsignkey-\w+-\w{16,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----(?s:.)*?(?:-----END|\Z)"
)
_TOKEN_HINTS = frozenset(
    (
        *(
            "eyj",
            "_live_",
            "_test_",
            "sk-",
            "ghp_",
            "gho_",
            "ghu_",
            "ghs_",
            "ghr_",
            "github_pat_",
            "xox",
            "akia",
            "asia",
        ),
        *("aiza", "glpat-", "npm_", "sg.", "whsec_", "sbp_", "signkey-", "private"),
    )
)
_MAIL = re.compile(r"(?<![\w.!#$%&'*+/=?^`{|}~-])[\w.!#$%&'*+/=?^`{|}~-]+(?:@|%40|\\u0040)(?:[\w-]+\.)+[^\W\d_]{2,}")
_QUERY = re.compile(r"([?&;][\w.~%\[\]:-]{1,80}=)(?!\[)[^&\s\"'<>\\#]+")
_QUERY_FIELD = re.compile(
    r"(?i)(\"(?:request_?)?(?:query_?string|query|params|search)\"\s*:\s*\")([^\"\\=&]{1,80}=(?:[^\"\\]|\\.)*)"
)
_PAIR = re.compile(r"(^|&)([^=&]{1,80})=(?!\[)[^&]+")
_IP = re.compile(
    r"(?<![\w./-])(?!(?:10|127|0|192\.168|169\.254|172\.(?:1[6-9]|2\d|3[01]))\.)(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\w.]*\d)"
)
_OPTION = re.compile(
    r"(?i)((?:--?[\w-]*(?:token|secret|passw|api-?key|cookie|credential)[\w-]*|(?<![\w-])-t)[ =]\s*)(?!\[)[^\s-]\S*"
)
_IP_MIDDLE = re.compile(r"\.\d{1,3}\.\d{1,3}\.(?=\d)")
# Request ids of the platforms, and paths of plain words.
_HARMLESS = re.compile(
    r"[a-z0-9]{5}-1\d{12}-[0-9a-f]{12}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?:/[a-z][a-z-]{0,20}){1,8}"
)
_QUERY_WORDS = ("query", "params", "search")
_HINTS = Hints((*_KEY_WORDS, *_TOKEN_HINTS, "authorization", "bearer", "cookie"))
_SPELLED = re.compile(rb"\\u00[2-7]|\\/")


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
            for form in (secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1])
        }
        longest_first = sorted(filter(None, spellings), key=lambda s: (-len(s), s))
        self._secrets = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    @classmethod
    def like(cls, other: Redactor) -> Redactor:
        """One that masks the same and has counted nothing yet."""
        twin = cls()
        twin._secrets = other._secrets
        return twin

    def text(self, text: str) -> str:
        """A text with everything masked that must not be kept; also free of what a database cannot store."""
        if not text.isascii() or "\0" in text:
            text = text.replace("\0", "\u2400").encode("utf-8", "replace").decode("utf-8")
        if self._secrets:
            text = self._swap(self._secrets, "[secret]", text)
        if "@" in text or "%40" in text or "u0040" in text:
            text = self._swap(_URL_CREDENTIALS, r"\1[credentials]@", text)
            text = self._swap(_MAIL, "[email]", text)
        if "=" in text and ("?" in text or "&" in text or ";" in text):
            text = self._swap(_QUERY, _pair_masked, text)
        lower = text.lower()
        if hints := _HINTS.within(lower):
            text = self._named(text, lower, hints)
        return self._addresses(text)

    def _named(self, text: str, lower: str, hints: set[str]) -> str:
        """Mask what is named by a word before it, and tokens that their own beginning betrays."""
        if words := [word for word in _KEY_WORDS if word in hints]:
            text = self._keyed(text, lower, words)
        if "authorization" in hints or "bearer" in hints:
            text = self._swap(_AUTHORIZATION, r"\1\2\3[masked]", text)
            text = self._swap(_BEARER, r"\1[masked]", text)
        if "cookie" in hints:
            text = self._swap(_COOKIE, r"\1[masked]", text)
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
        if _SPELLED.search(data):
            data = _plainly_spelled(data)
        if len(data) > RAW_LIMIT + 2 * _MARGIN:
            head = self.text(data[: _HEAD + _MARGIN].decode("utf-8", "replace"))
            tail = self.text(data[-(_TAIL + _MARGIN) :].decode("utf-8", "replace"))
            return _cut(head, tail, len(data) - _HEAD - _TAIL)
        text = data.decode("utf-8", "replace")
        if isinstance(query, str) and "=" in query and query in text:
            text = text.replace(query, self._swap(_PAIR, r"\1\2=[masked]", query))
        elif "=" in text and any(word in text.lower() for word in _QUERY_WORDS):
            text = _QUERY_FIELD.sub(lambda m: m[1] + self._swap(_PAIR, r"\1\2=[masked]", m[2]), text)
        text = self.text(text)
        return text if len(text) <= RAW_LIMIT else _cut(text, text, len(text) - _HEAD - _TAIL)

    def _keyed(self, text: str, lower: str, words: list[str]) -> str:
        """Mask the values of keys that hold one of the secret words."""
        if len(lower) != len(text):
            return self._swap(
                re.compile("(?i)(?=" + "|".join(_KEY_WORDS) + ")" + _KEYED.pattern.removeprefix("(?i)")),
                _value_masked,
                text,
            )
        places = sorted(at for word in words for at in _finds(lower, word))
        parts: list[str] = []
        done = 0
        for place in places:
            if place < done or (match := _KEYED.match(text, place)) is None:
                continue
            masked = _value_masked(match)
            self.count += masked != match[0]
            parts += (text[done:place], masked)
            done = match.end()
        return "".join(parts) + text[done:] if parts else text

    def _addresses(self, text: str) -> str:
        """Mask internet addresses; looked for only where the middle of one is."""
        parts: list[str] = []
        done = 0
        for middle in _IP_MIDDLE.finditer(text):
            start = middle.start()
            while start > 0 and middle.start() - start < 3 and text[start - 1].isdigit():
                start -= 1
            if start >= done and (match := _IP.match(text, start)) is not None:
                parts += (text[done:start], "[address]")
                done = match.end()
        self.count += len(parts) // 2
        return "".join(parts) + text[done:] if parts else text

    def _swap(self, pattern: re.Pattern[str], by: str | Callable[[re.Match[str]], str], text: str) -> str:
        text, count = pattern.subn(by, text)
        self.count += count
        return text


def _pair_masked(match: re.Match[str]) -> str:
    return f"{match[1]}[masked]"


def _value_masked(match: re.Match[str]) -> str:
    if match["q"]:
        return f"{match[1]}{match['q']}[masked]"
    bare = match["b"].startswith("[") or match["b"].lower() in ("null", "true", "false", "undefined")
    return match[0] if bare else f"{match[1]}[masked]"


def _finds(text: str, word: str) -> Iterator[int]:
    at = text.find(word)
    while at >= 0:
        yield at
        at = text.find(word, at + len(word))


def _cut(head: str, tail: str, count: int) -> str:
    return f"{head[:_HEAD]} …[{count} characters cut]… {tail[-_TAIL:]}"


def _plainly_spelled(data: bytes) -> bytes:
    """JSON with its needless escapes undone, so that a mask sees `@` where a writer put its code point."""
    try:
        return json.dumps(json.loads(data, strict=False), ensure_ascii=False, separators=(",", ":")).encode(
            "utf-8", "replace"
        )
    except (ValueError, RecursionError):
        return re.sub(rb"\\u00([2-7][0-9A-Fa-f])", lambda m: bytes((int(m[1], 16),)), data).replace(b"\\/", b"/")
