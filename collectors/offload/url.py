"""Clean a database address as people keep them: white space, quotes and parameters that only one library understands.

The password goes into the connection's parameters and nowhere else: not into errors, not into what is shown or stored.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from store.errors import BadInput

# What the server's own client library understands; anything else in an address belongs to another library.
_LIBPQ = """
    host hostaddr port dbname user password passfile connect_timeout sslmode sslrootcert sslcert sslkey sslpassword
    sslcrl sslcrldir sslsni sslcertmode sslnegotiation ssl_min_protocol_version ssl_max_protocol_version
    channel_binding require_auth gssencmode krbsrvname target_session_attrs load_balance_hosts keepalives
    keepalives_idle keepalives_interval keepalives_count tcp_user_timeout service
"""
_KNOWN = frozenset(_LIBPQ.split())
_SCHEMES = ("postgresql", "postgres")
_PAIR = re.compile(r"\s*(\w+)\s*=\s*('(?:[^'\\]|\\.)*'|[^\s']*)")


class Address(NamedTuple):
    """Where and how to connect: `parameters` hold the secret, everything else may be shown."""

    parameters: tuple[tuple[str, str], ...]
    dropped: tuple[str, ...]
    schema: str | None

    def __repr__(self) -> str:
        return f"Address({self.shown()})"

    def get(self, name: str) -> str:
        """One parameter, or nothing."""
        return dict(self.parameters).get(name, "")

    def shown(self) -> str:
        """The server and database, without user or password."""
        host, port = self.get("host"), self.get("port")
        place = "local socket" if not host or host.startswith("/") else f"{host}:{port}" if port else host
        return f"{place}/{self.get('dbname')}".rstrip("/")

    def is_local(self) -> bool:
        """Whether the connection never leaves this machine."""
        hosts = (self.get("host") or self.get("hostaddr")).split(",")
        return all(host in ("", "localhost", "127.0.0.1", "::1") or host.startswith(("/", "@")) for host in hosts)


def clean_address(text: str, variable: str) -> Address:
    """Read an address in URL or `key=value` form; `variable` is its name for errors, its text is never shown.

    Raises:
        BadInput: it is empty, of another database, or cannot be read.
    """
    stripped = _unquoted(text.strip())
    if not stripped:
        raise BadInput(f"{variable} is empty", f"set {variable} to postgresql://USER:PASSWORD@HOST:PORT/DATABASE")
    if any(ord(sign) < 32 for sign in stripped):
        raise BadInput(f"{variable} holds a line break or another control character", "set it again without it")
    parameters = _from_url(stripped, variable) if "://" in stripped else _from_pairs(stripped, variable)
    schema = parameters.get("schema") or None
    dropped = tuple(sorted(name for name in parameters if name not in _KNOWN))
    kept = {name: value for name, value in parameters.items() if name in _KNOWN and value != ""}
    if parameters.get("sslaccept") == "strict":
        kept.setdefault("sslmode", "verify-full")
    address = Address(tuple(kept.items()), dropped, None if schema == "public" else schema)
    return address if address.is_local() else address._replace(parameters=_with_tls(kept))


def _unquoted(text: str) -> str:
    return text[1:-1].strip() if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text


def _from_url(text: str, variable: str) -> dict[str, str]:
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise BadInput(f"{variable} is not an address: {_without_text(error)}") from error
    scheme = parts.scheme.lower()
    if scheme not in _SCHEMES:
        hint = (
            "use the direct address, such as DIRECT_URL"
            if scheme.startswith("prisma")
            else "a postgresql:// address is needed"
        )
        raise BadInput(f"{variable} is a {scheme}:// address, not one of a Postgres server", hint)
    if parts.fragment or (parts.netloc.count("@") == 0 and "@" in parts.path):
        raise BadInput(f"{variable} has a bare #, / or ? in its user or password", "write them as %23, %2F or %3F")
    found = _authority(parts)
    if len(parts.path) > 1:
        found["dbname"] = unquote(parts.path[1:])
    found.update({name.strip(): value.strip() for name, value in _query(parts.query)})
    return found


def _authority(parts: SplitResult) -> dict[str, str]:
    """User, password, hosts and ports; several hosts may be listed, and a socket's folder may stand for a host."""
    user_part, _, hosts_part = parts.netloc.rpartition("@")
    user, _, password = user_part.partition(":")
    found = {"user": unquote(user), "password": unquote(password)}
    hosts, ports = [], []
    for place in hosts_part.split(",") if hosts_part else []:
        matched = re.fullmatch(r"(\[[^]]*\]|[^:]*)(?::(\d*))?", place)
        host, port = (matched[1], matched[2] or "") if matched else (place, "")
        hosts.append(unquote(host.strip("[]")))
        ports.append(port)
    if any(hosts):
        found["host"] = ",".join(hosts)
    if any(ports):
        found["port"] = ",".join(ports)
    return {name: value for name, value in found.items() if value}


def _query(query: str) -> list[tuple[str, str]]:
    # A plus sign is a plus sign in an address, unlike in a form.
    return parse_qsl(query.replace("+", "%2B"), keep_blank_values=True)


def _from_pairs(text: str, variable: str) -> dict[str, str]:
    found, at = {}, 0
    while at < len(text):
        matched = _PAIR.match(text, at)
        if not matched:
            raise BadInput(f"{variable} is not an address", "write it as postgresql://USER:PASSWORD@HOST:PORT/DATABASE")
        value = matched[2]
        found[matched[1]] = re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith("'") else value
        at = matched.end()
        at += len(text[at:]) - len(text[at:].lstrip())
    return found


def _with_tls(kept: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """Across a network the server must prove itself unless the address says otherwise: libpq falls to plain text."""
    if "sslmode" not in kept:
        kept = {**kept, "sslmode": "verify-full"}
        kept.setdefault("sslrootcert", "system")
    return tuple(kept.items())


def _without_text(error: ValueError) -> str:
    return "a bracket is not closed" if "IPv6" in str(error) else "it cannot be split into its parts"
