"""Addresses as they are kept in real environments: cleaned, and never shown with what is secret in them."""

from __future__ import annotations

import pytest

from collectors.offload.url import Address, clean_address
from store.errors import BadInput


def clean(text: str) -> Address:
    return clean_address(text, "DATABASE_URL")


def test_parameters_of_one_library_are_dropped_and_named() -> None:
    address = clean(
        "postgresql://app:pw@localhost:6543/main?pgbouncer=true&connection_limit=1&pool_timeout=20&schema=public&sslaccept=strict"
        "&sslmode=disable&options=-c%20statement_timeout%3D1"
    )
    assert address.dropped == ("connection_limit", "options", "pgbouncer", "pool_timeout", "schema", "sslaccept")
    assert dict(address.parameters) == {
        "user": "app", "password": "pw", "host": "localhost", "port": "6543", "dbname": "main", "sslmode": "disable",
    }  # fmt: skip
    assert address.schema is None


def test_another_schema_is_kept_as_a_search_path() -> None:
    assert clean("postgres://a@localhost/db?schema=tenant").schema == "tenant"


@pytest.mark.parametrize("around", ["{}\n", "  {}  ", '"{}"', "'{}'\r\n", "\t{}\n\n"])
def test_white_space_and_quotes_around_an_address_do_no_harm(around: str) -> None:
    address = clean(around.format("postgres://a:b@localhost/db?sslmode=disable"))
    assert address.get("sslmode") == "disable"


def test_signs_in_a_password_survive_as_they_are() -> None:
    assert clean("postgres://a:p%40ss%2Fw%23+%25x@localhost/db").get("password") == "p@ss/w#+%x"
    assert clean("postgres://a:50%off@localhost/db").get("password") == "50%off"
    assert clean("postgres://a:x@y@localhost/db").get("password") == "x@y"


@pytest.mark.parametrize("text", ["postgres://a:s3cret#1@db/x", "postgres://a:s3/cret@db/x"])
def test_signs_that_cut_an_address_are_told_without_showing_it(text: str) -> None:
    with pytest.raises(BadInput) as told:
        clean(text)
    assert "%23" in str(told.value)
    assert "s3" not in str(told.value)


def test_several_hosts_a_socket_and_an_ipv6_host_are_read() -> None:
    several = clean("postgres://u@a.example:5432,b.example:5433/db?target_session_attrs=read-write")
    assert (several.get("host"), several.get("port")) == ("a.example,b.example", "5432,5433")
    assert clean("postgres://u@%2Ftmp%2Fs/db").get("host") == "/tmp/s"
    assert clean("postgresql:///db?host=/tmp/s").is_local()
    assert clean("postgres://u@[::1]:5432/db").get("host") == "::1"


def test_across_a_network_the_server_must_prove_itself_unless_the_address_says_otherwise() -> None:
    default = clean("postgres://u:p@db.example.com/x")
    assert (default.get("sslmode"), default.get("sslrootcert")) == ("verify-full", "system")
    assert clean("postgres://u:p@db.example.com/x?sslmode=require").get("sslmode") == "require"
    assert clean("postgres://u:p@localhost/x").get("sslmode") == ""


def test_key_value_form_is_read() -> None:
    address = clean(r"host=localhost dbname = main user='a b' password='it\'s'")
    assert dict(address.parameters) == {"host": "localhost", "dbname": "main", "user": "a b", "password": "it's"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty"),
        ("mysql://a:s3cret@b/c", "not one of a Postgres server"),
        ("prisma+postgres://accelerate.example/?api_key=s3cret", "DIRECT_URL"),
        ("postgres://a:s3cret@[::1/c", "bracket"),
        ("just words s3cret", "not an address"),
        ("postgres://a:s3\ncret@b/c", "line break"),
    ],
)
def test_what_cannot_be_used_is_one_sentence_without_the_secret(text: str, told: str) -> None:
    with pytest.raises(BadInput) as error:
        clean(text)
    assert told in str(error.value)
    assert "s3cret" not in str(error.value)


def test_what_is_shown_holds_neither_user_nor_password() -> None:
    address = clean("postgres://app:s3cret@db.example.com:5432/main")
    assert address.shown() == "db.example.com:5432/main"
    assert "s3cret" not in f"{address} {address!r}"
    assert clean("postgresql:///main?host=/tmp/s").shown() == "local socket/main"
