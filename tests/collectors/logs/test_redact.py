"""Masking: what must not be kept is not kept, however it is spelled, and every masking is counted."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.logs.redact import RAW_LIMIT, Redactor, declared_secrets

SECRET = "cr0n-s3cret/Value+1"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("lead: user.name+tag@example.co.uk said", "lead: [email] said"),
        ("user%40example.com", "[email]"),
        ("@prisma+client@5.20.0", "@prisma+client@5.20.0"),
        ("Authorization: Bearer abc.def-123 next", "Authorization: Bearer [masked] next"),
        ("authorization=Basic dXNlcjpwYXNz", "authorization=Basic [masked]"),
        ('{"authorization":"Bearer abc","x":1}', '{"authorization":"Bearer [masked]","x":1}'),
        ('Proxy-Authorization: Digest username="a", response="b"\nnext', "Proxy-Authorization: Digest [masked]\nnext"),
        ("with bearer abcdef123456", "with bearer [masked]"),
        ("Cookie: a=b; c=d\nHost: x", "Cookie: [masked]\nHost: x"),
        ('{"headers":{"set-cookie":"sid=1; Path=/","ok":1}}', '{"headers":{"set-cookie":"[masked]","ok":1}}'),
        ("'Cookie' => 'x=y'", "'Cookie' => '[masked]'"),
        ("GET /api/x?cursor=abc&limit=3 200", "GET /api/x?cursor=[masked]&limit=[masked] 200"),
        ("postgres://user:p%40ss@db.example.com:5432/app", "postgres://[credentials]@db.example.com:5432/app"),
        (
            '{"message":"{\\"apiToken\\":\\"abc def\\",\\"n\\":1}"}',
            '{"message":"{\\"apiToken\\":\\"[masked]\\",\\"n\\":1}"}',
        ),
        ("password='a b c', user=1", "password='[masked]', user=1"),
        ("api_key=XYZ123 x-api-key: Q", "api_key=[masked] x-api-key: [masked]"),
        ("max_tokens: 400 token: null", "max_tokens: 400 token: null"),
        ("MaxClientsInSessionMode: max clients reached", "MaxClientsInSessionMode: max clients reached"),
        ("eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl", "[token]"),
        ("key ghp_0123456789abcdefghijABCD and AKIAIOSFODNN7EXAMPLE", "key [token] and [token]"),
        ('"clientIp":"203.0.113.4"', '"clientIp":"[masked]"'),
        ("from 203.0.113.4 to 10.0.0.1 and 127.0.0.1", "from [address] to 10.0.0.1 and 127.0.0.1"),
        ("Chrome/145.0.0.0 v1.2.3.4.5", "Chrome/145.0.0.0 v1.2.3.4.5"),
        ("x-forwarded-for: 2001:db8::1", "x-forwarded-for: [masked]"),
        ("Task timed out after 60 seconds", "Task timed out after 60 seconds"),
    ],
)
def test_what_must_not_be_kept_is_masked_and_the_rest_is_not(text: str, masked: str) -> None:
    assert Redactor().text(text) == masked


def test_every_masking_is_counted() -> None:
    redactor = Redactor()
    redactor.text("a@example.com b@example.com token=x")
    assert redactor.count == 3


@pytest.mark.parametrize("spelled", [SECRET, "cr0n-s3cret%2FValue%2B1", json.dumps(SECRET)[1:-1]])
def test_declared_secrets_are_masked_in_every_spelling(spelled: str) -> None:
    assert Redactor([SECRET]).text(f"sent {spelled} to") == "sent [secret] to"


def test_declared_secrets_come_from_the_environment_and_short_ones_are_left_alone() -> None:
    environment = {"CRON_SECRET": f" {SECRET}\n", "SHORT": "abc", "OTHER": "not declared"}
    assert declared_secrets(["CRON_SECRET", "SHORT", "MISSING"], environment) == (SECRET,)


def test_needless_escapes_hide_nothing() -> None:
    raw = b'{"m":"user\\u0040example.com \\/x?a=secretvalue"}'
    assert Redactor().raw(raw) == '{"m":"[email] /x?a=[masked]"}'
    assert "[email]" in Redactor().raw(raw[:-10])


def test_the_query_field_of_a_record_is_masked_in_json_and_in_csv() -> None:
    assert (
        Redactor().raw(b'{"requestQueryString":"year=2026&month=1","x":1}')
        == '{"requestQueryString":"year=[masked]&month=[masked]","x":1}'
    )
    assert Redactor().raw(b"GET,year=2026&month=1,200", "year=2026&month=1") == "GET,year=[masked]&month=[masked],200"


def test_a_long_record_keeps_both_ends_and_says_what_was_cut() -> None:
    text = Redactor().raw(b"BEGIN " + b"x" * 1_000_000 + b" user@example.com END")
    assert len(text) < RAW_LIMIT + 100
    assert text.startswith("BEGIN ")
    assert text.endswith(" [email] END")
    assert "characters cut" in text


def test_a_secret_on_the_cutting_edge_is_not_half_kept() -> None:
    for at in range(6 * 1024 - 40, 6 * 1024 + 10, 3):
        text = Redactor().raw(b"x" * at + b" token=abcdefghijklmnopqrstuvwxyz0123456789 " + b"y" * 60_000)
        assert "abc" not in text


def test_what_a_database_cannot_store_is_replaced() -> None:
    assert Redactor().text("a\0b\ud83dc") == "a\u2400b?c"
    assert Redactor().raw(b"\xff\x00") == "\ufffd\u2400"


@given(st.text())
def test_masking_twice_changes_nothing_more(text: str) -> None:
    once = Redactor().text(text)
    assert Redactor().text(once) == once


@given(
    st.text(alphabet=st.characters(codec="utf-8"), max_size=200),
    st.sampled_from(["user@example.com", "Bearer abcdefgh1234", "?token=abcd1234"]),
)
def test_a_planted_secret_is_found_in_any_surroundings(around: str, planted: str) -> None:
    text = Redactor().text(f"{around} {planted} {around}")
    assert "user@example.com" not in text
    assert "abcd1234" not in text
    assert "abcdefgh1234" not in text
