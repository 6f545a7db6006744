"""Masking: what must not be kept is not kept, however it is spelled, and every masking is counted."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import quote

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


HIDDEN = "Zq7pa55w0rdXYZ"
"""A secret of the tests below: whatever surrounds it, it may not come through."""


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ('"boom {""password"": ""Z"", ""n"": 5}"', '"boom {""password"": ""[masked]"", ""n"": 5}"'),
        ('"{""sessionId"":""Z"",""route"":""/api/x""}"', '"{""sessionId"":""[masked]"",""route"":""/api/x""}"'),
        ('"{""x-cron-secret"": ""Z""}",504', '"{""x-cron-secret"": ""[masked]""}",504'),
        ('"{""Cookie"": ""sid=Z; b=1""}",504', '"{""Cookie"": ""[masked]""}",504'),
        ('"{""m"":""{\\""password\\"":\\""Z\\"",\\""n\\"":1}""}"', '"{""m"":""{\\""password\\"":\\""[masked]\\"",\\""n\\"":1}""}"'),
        ('"{ accessToken: ""it\'s Z"" }",x', '"{ accessToken: ""[masked]"" }",x'),
        ('"{""password"":"""",""note"":""kept""}"', '"{""password"":"""",""note"":""kept""}"'),
        ('"{""password"":""Z\\""Z"",""n"":1}"', '"{""password"":""[masked]"",""n"":1}"'),
        ('"cut {""password"": ""Z",504,GET', '"cut {""password"": ""[masked]",504,GET'),
    ],
)  # fmt: skip
def test_quotes_that_csv_doubles_hide_nothing(text: str, masked: str) -> None:
    assert Redactor().text(text.replace("Z", HIDDEN)) == masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("'set-cookie': [ 'sid=Z; Path=/', 'b=Z' ],\n  x: 1", "'set-cookie': [ '[masked]', '[masked]' ],\n  x: 1"),
        ("'set-cookie': [\n    'sid=Z',\n    'b=Z'\n  ]\n}", "'set-cookie': [\n    '[masked]',\n    '[masked]'\n  ]\n}"),
        ('"set-cookie": [\\n    \'sid=Z\'\\n  ]', '"set-cookie": [\\n    \'[masked]\'\\n  ]'),
        ('"authorization":["Basic Z"],"n":1', '"authorization":["Basic [masked]"],"n":1'),
        ('"x-api-key":["Z"],"n":1', '"x-api-key":["[masked]"],"n":1'),
        ('"tokens":["Z","Z"],"n":1', '"tokens":["[masked]","[masked]"],"n":1'),
        ('"refreshTokens":"Z"', '"refreshTokens":"[masked]"'),
        ("authorization=[Basic Z], host=[app.example]", "authorization=[[masked]], host=[app.example]"),
        ("credentials: { user: 'Z', deep: { pass: [ 'Z' ] } }, n: 1", "credentials: { user: '[masked]', deep: { pass: [ '[masked]' ] } }, n: 1"),
        ("cookies: [Object: null prototype] { sid: 'Z' }, n: 1", "cookies: [Object: null prototype] { sid: '[masked]' }, n: 1"),
        ("password: <Buffer 5a 71 37>, n: 1", "password: <[masked]>, n: 1"),
        ("password=SecretStr('Z') n=1", "password=[masked]'[masked]') n=1"),
        ("token: Token { value: 'Z' }, n: 1", "token: [masked] { value: '[masked]' }, n: 1"),
        ("tokens: Set(1) { 'Z' }, n: 1", "tokens: Set(1) { '[masked]' }, n: 1"),
        (
            "session: { u: User { id: 'Z' }, m: Map(1) { 'a' => 'Z' } }, n: 1",
            "session: { u: [masked] { id: '[masked]' }, m: Map(1) { 'a' => '[masked]' } }, n: 1",
        ),
        ("secret: 'Z\\n' +\n    'Z', n: 1", "secret: '[masked]' +\n    '[masked]', n: 1"),
    ],
)  # fmt: skip
def test_values_in_lists_and_objects_are_masked_one_by_one(text: str, masked: str) -> None:
    assert Redactor().text(text.replace("Z", HIDDEN)) == masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (
            "rawHeaders: [ 'Host', 'app.example', 'Authorization', 'Basic Z', 'Cookie', 'sid=Z', 'Accept', '*/*' ]",
            "rawHeaders: [ 'Host', 'app.example', 'Authorization', 'Basic [masked]', 'Cookie', '[masked]', 'Accept', '*/*' ]",
        ),
        ('[["cookie","sid=Z"],["host","x"]]', '[["cookie","[masked]"],["host","x"]]'),
        ("[(b'authorization', b'Basic Z'), (b'host', b'x')]", "[(b'authorization', b'Basic [masked]'), (b'host', b'x')]"),
        ('["set-cookie",["sid=Z"]]', '["set-cookie",["[masked]"]]'),
        ('{"name":"cookie","value":"sid=Z"},{"name":"host","value":"x"}', '{"name":"cookie","value":"[masked]"},{"name":"host","value":"x"}'),
        ('{"key":"password","value":"Z"}', '{"key":"password","value":"[masked]"}'),
        ("{ name: 'x-api-key', value: 'Z' }", "{ name: 'x-api-key', value: '[masked]' }"),
        ('{"key":"API_KEY","target":["production"],"value":"Z"}', '{"key":"API_KEY","target":["production"],"value":"[masked]"}'),
        ('{"value":"Z","type":"plain","key":"API_KEY"}', '{"value":"[masked]","type":"plain","key":"API_KEY"}'),
        (
            '{"key":"http.request.header.authorization","value":{"stringValue":"Basic Z"}}',
            '{"key":"http.request.header.authorization","value":{"stringValue":"Basic [masked]"}}',
        ),
        ('{""name"":""cookie"",""value"":""sid=Z""}', '{""name"":""cookie"",""value"":""[masked]""}'),
    ],
)  # fmt: skip
def test_a_value_beside_its_name_is_masked(text: str, masked: str) -> None:
    assert Redactor().text(text.replace("Z", HIDDEN)) == masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("{ password: \x1b[32m'Z'\x1b[39m, n: \x1b[33m5\x1b[39m }", "{ password: '[masked]', n: 5 }"),
        ("{ \x1b[32m'set-cookie'\x1b[39m: [ \x1b[32m'sid=Z'\x1b[39m ] }", "{ 'set-cookie': [ '[masked]' ] }"),
        ("{ password: \\u001b[32m'Z'\\u001b[39m }", "{ password: '[masked]' }"),
        ("{ cookie: \\\\u001B[32m'Z'\\\\u001B[39m }", "{ cookie: '[masked]' }"),
        ("{ authorization: \\x1b[32m'Basic Z'\\x1b[39m }", "{ authorization: 'Basic [masked]' }"),
        ("{ password: [32m'Z'[39m }", "{ password: '[masked]' }"),
        ("\x1b[1mtoken\x1b[0m=\x1b[32mZ\x1b[0m", "token=[masked]"),
        ("john.Z\x1b[1m@example.com\x1b[0m said", "[email] said"),
        ("from 203.0.\x1b[1m113.4", "from [address]"),
    ],
)
def test_colours_hide_nothing(text: str, masked: str) -> None:
    assert Redactor().text(text.replace("Z", HIDDEN)) == masked


def test_a_text_without_secrets_stays_as_it_is_written() -> None:
    text = "\x1b[31mTask timed out after 60 seconds\x1b[0m caf\\u00e9 <\\/b> rate[5m]"
    assert Redactor().text(text) == text
    assert Redactor().raw(text.encode()) == text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ('"password":"x\\"Z","n":1', '"password":"[masked]","n":1'),
        ('"password":"Z\\\\","n":1', '"password":"[masked]","n":1'),
        ('"m":"{\\"password\\":\\"x\\\\\\"Z\\",\\"n\\":1}"', '"m":"{\\"password\\":\\"[masked]\\",\\"n\\":1}"'),
        ("password: 'it\\'s Z', n: 1", "password: '[masked]', n: 1"),
        ("password = 'it''s Z' and n = 1", "password = '[masked]' and n = 1"),
        ('{\\u0022password\\u0022:\\u0022Z\\u0022}', '{\\"password\\":\\"[masked]\\"}'),
        ('"password":"x\\u0022Z"', '"password":"[masked]"'),
        ("token: b'Z', n: 1", "token: b'[masked]', n: 1"),
        ('token: b"Z", n: 1', 'token: b"[masked]", n: 1'),
        ("token: Bearer Z n", "token: Bearer [masked] n"),
        ("password=x\\Z n", "password=[masked] n"),
        ('PRIVATE_KEY="-----BEGIN PRIVATE KEY-----\nZ\n-----END PRIVATE KEY-----"', 'PRIVATE_KEY="[token]"'),
    ],
)  # fmt: skip
def test_a_value_ends_where_its_quote_ends(text: str, masked: str) -> None:
    assert Redactor().text(text.replace("Z", HIDDEN)) == masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ('Cookie: a=1; b="Z"; c=Z\nHost: x', "Cookie: [masked]\nHost: x"),
        ('Cookie: a=1; p={"a":"b"}; c=Z\nHost: x', "Cookie: [masked]\nHost: x"),
        ("Cookie: name=O'Neill; c=Z\nHost: x", "Cookie: [masked]\nHost: x"),
        ('{"m":"Cookie: a=1; b=\\"Z\\"; c=Z\\nHost: x","n":1}', '{"m":"Cookie: [masked]\\nHost: x","n":1}'),
        ('{"m":"Cookie: a=1; c=Z","n":1}', '{"m":"Cookie: [masked]","n":1}'),
        ('{"m":"{\\"l\\":\\"Cookie: a=Z\\",\\"n\\":1}"}', '{"m":"{\\"l\\":\\"Cookie: [masked]\\",\\"n\\":1}"}'),
        ('x,"GET / Cookie: b=""Z""; c=Z",504', 'x,"GET / Cookie: [masked]",504'),
        ("curl -H 'Cookie: a=Z' https://app.example/api", "curl -H 'Cookie: [masked]' https://app.example/api"),
        ('Authorization: Digest username="Z", response="Z"\nnext', "Authorization: Digest [masked]\nnext"),
        ("Authorization: Custom Z next", "Authorization: [masked] next"),
    ],
)  # fmt: skip
def test_a_header_line_is_masked_to_its_end(text: str, masked: str) -> None:
    assert Redactor().text(text.replace("Z", HIDDEN)) == masked


@pytest.mark.parametrize(
    "mail",
    [
        "j\u00f6rg.m\u00fcller@b\u00fccher.example", "j\\u00f6rg.m\\u00fcller@b\\u00fccher.example", "user@m\\u00fcller.de",
        "mu\u0308ller@example.com", "user@\u043f\u0440\u0438\u043c\u0435\u0440.xn--p1ai", "user%2540example.com",
        "user%252540example.com", "user\\u0040example.com", "user\\\\u0040example.com", "\\ud83d\\ude00.user@example.com",
    ],
)  # fmt: skip
def test_a_mail_address_is_masked_in_every_spelling(mail: str) -> None:
    assert Redactor().text(f"to {mail} now") == "to [email] now"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("from 2001:db8:85a3::8a2e:370:7334, port 5", "from [address], port 5"),
        ("[2600:1f18:1234:5678:9abc:def0:1234:5678]:443", "[[address]]:443"),
        ("ip:2A00:1450:4001:82a::200e: refused", "ip:[address]: refused"),
        ('"peer":"2606:4700::1111"', '"peer":"[address]"'),
        ("::ffff:203.0.113.4", "::ffff:[address]"),
        ("::1 fe80::1 fd12::1", "::1 fe80::1 fd12::1"),
        ("[18/Feb/2026:03:00:00 +0000] 03:00:00", "[18/Feb/2026:03:00:00 +0000] 03:00:00"),
        ("2a:bc:03:04:05:06 00:1b:44:11:3a:b7", "2a:bc:03:04:05:06 00:1b:44:11:3a:b7"),
        ("iad1::sfo1::abcde-1771394968133-0123456789ab", "iad1::sfo1::abcde-1771394968133-0123456789ab"),
        ("iad1::abc std::vector a::b", "iad1::abc std::vector a::b"),
    ],
)
def test_public_addresses_of_the_longer_kind_are_masked_and_times_are_not(text: str, masked: str) -> None:
    assert Redactor().text(text) == masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("GET /x?Z 200", "GET /x?[masked] 200"),
        ("GET /x?a=Z&Z&b=Z 200", "GET /x?a=[masked]&[masked]&b=[masked] 200"),
        ('"search":"?Z"', '"search":"?[masked]"'),
        ("https://app.example?Z", "https://app.example?[masked]"),
        ("to=%2Fx%3Fa%3DZ%26b%3DZ end", "to=%2Fx%3Fa%3D[masked]%26b%3D[masked] end"),
        ("%252Fx%253Fa%253DZ%2526Z end", "%252Fx%253Fa%253D[masked]%2526Z end".replace("%2526Z", "%2526" + HIDDEN)),
        ("/x?company=A%26Z", "/x?company=[masked]"),
        ("/cb#access_token=Z&z=Z", "/cb#access_token=[masked]&z=[masked]"),
        ("/cb#z=Z", "/cb#z=[masked]"),
        ("/x?ids=[Z,2]&n=1", "/x?ids=[masked]&n=[masked]"),
        ("what?no a ? b : c user?.name /api/x? end", "what?no a ? b : c user?.name /api/x? end"),
        ("at webpack:///app/route.ts?0:12:34", "at webpack:///app/route.ts?0:12:34"),
        ('"requestQueryString":"Z","x":1', '"requestQueryString":"[masked]","x":1'),
        ('\\"query\\":\\"year=Z&m=Z\\"', '\\"query\\":\\"year=[masked]&m=[masked]\\"'),
        ('"query":"SELECT 1 FROM t WHERE a = 5"', '"query":"SELECT 1 FROM t WHERE a = 5"'),
        ("postgres://user:p@Z@db/app", "postgres://[credentials]@db/app"),
    ],
)
def test_what_an_address_carries_is_masked(text: str, masked: str) -> None:
    assert Redactor().text(text.replace("Z", HIDDEN)) == masked


def test_a_query_is_masked_in_csv_even_without_names_and_with_quotes() -> None:
    assert Redactor().raw(b"GET,tokenalone,200", "tokenalone") == "GET,[masked],200"
    assert Redactor().raw(b'GET,"a=""x""&b=1",200', 'a="x"&b=1') == 'GET,"a=[masked]&b=[masked]",200'
    assert Redactor().raw(b'{"requestQueryString":"a\\u003dx\\u0026b\\u003dy"}') == (
        '{"requestQueryString":"a=[masked]&b=[masked]"}'
    )


@pytest.mark.parametrize(
    "text",
    [
        "tokens: 512, maxTokens: 4096 max_tokens=1_000 \"total_tokens\":12.5k used_tokens: 5/10 cookies: 3",
        '"usage":{"tokens":{"prompt":512,"completion":20}}',
        '{"level":"token","message":"Task timed out after 60 seconds"}',
        '"Error: missing CRON_SECRET","prj_1","main"',
        '"password":"","token":null,"secret":undefined,"session":None',
        "MaxClientsInSessionMode: max clients reached - in Session mode max clients are limited to pool_size",
        (
            "Transaction API error: Transaction already closed: A query cannot be executed on an expired transaction. The "
            "timeout for this transaction was 5000 ms, however 5231 ms passed since the start of the transaction.\n"
            "    at async /var/task/.next/server/app/api/session/route.js:12:34\n  code: 'P2028', meta: { error: 'x' }"
        ),
        '{"statusCode":504,"requestId":"a0001-1771394968133-0123456789ab","vercelId":"iad1::sfo1::a0001-1771394968133-0123456789ab"}',
        "Raw query failed. Code: `08P01`. Message: `query_wait_timeout`",
        "{ cookie: undefined, authorization: null, 'x-vercel-id': 'iad1::abc' }",
        "at node_modules/cookie-parser/index.js:12:3 and node_modules/express-session/index.js:4:5",
    ],
)  # fmt: skip
def test_what_makes_evidence_useful_stays(text: str) -> None:
    redactor = Redactor()
    assert redactor.text(text) == text
    assert redactor.count == 0


def test_every_value_of_a_list_is_counted() -> None:
    redactor = Redactor()
    redactor.text("'set-cookie': [ 'a=1', 'b=2' ], password: 'x', ip: 2001:db8::1, /x?alone&a=1")
    assert redactor.count == 6
    redactor.raw(b"GET,tokenalone,200,atokenalone", "tokenalone")
    assert redactor.count == 7


NAMES = [
    "password", "x-cron-secret", "accessToken", "refreshTokens", "sessionId", "Cookie", "set-cookie", "authorization",
    "x-api-key", "db_passwd", "credentials",
]  # fmt: skip


def _in_csv(text: str) -> str:
    return '504,"' + text.replace('"', '""') + '",GET'


def _coloured(name: str, value: str) -> str:
    return f"{{ \x1b[32m{name!r}\x1b[39m: \x1b[32m{value!r}\x1b[39m, n: 1 }}"


SPELLINGS: dict[str, Callable[[str, str], str]] = {
    "json": lambda name, value: json.dumps({"n": 1, name: value, "level": "error"}),
    "json in json": lambda name, value: json.dumps({"message": json.dumps({name: value, "n": 1}), "level": "error"}),
    "json in json in json": lambda name, value: json.dumps({"a": json.dumps({"b": json.dumps({name: value, "n": 1})})}),
    "json in csv": lambda name, value: _in_csv(json.dumps({"n": 1, name: value, "level": "error"})),
    "json in json in csv": lambda name, value: _in_csv(json.dumps({"m": json.dumps({name: value})})),
    "a Node dump": lambda name, value: f"{{\n  n: 1,\n  {name!r}: {value!r},\n  m: 2\n}}",
    "a Node dump in json": lambda name, value: json.dumps(
        {"message": f"{{\n  {name!r}: {value!r},\n  m: 2\n}}", "n": 1}
    ),
    "a Node dump in csv": lambda name, value: _in_csv(f"{{\n  {name!r}: {value!r},\n  m: 2\n}}"),
    "coloured": _coloured,
    "coloured in json": lambda name, value: json.dumps({"message": _coloured(name, value)}),
    "coloured in csv": lambda name, value: _in_csv(_coloured(name, value)),
    "an array": lambda name, value: json.dumps({name: ["first", value], "n": 1}),
    "an array in json": lambda name, value: json.dumps({"message": json.dumps({name: [value, "last"]}), "n": 1}),
    "an array in csv": lambda name, value: _in_csv(json.dumps({name: [value, "last"], "n": 1})),
    "a dumped array": lambda name, value: f"{{ {name!r}: [\n    {value!r},\n    'last'\n  ],\n  n: 1 }}",
    "an object": lambda name, value: json.dumps({name: {"a": {"b": [value]}}, "n": 1}),
    "a flat pair": lambda name, value: f"rawHeaders: [ 'Host', 'x', {name!r}, {value!r}, 'Accept', '*/*' ]",
    "a pair": lambda name, value: json.dumps({"message": json.dumps([["host", "x"], [name, value]])}),
    "a named member": lambda name, value: json.dumps([{"name": name, "value": value}, {"name": "n", "value": "1"}]),
    "a named member, the other way round": lambda name, value: json.dumps(
        [{"value": value, "type": "x", "name": name}]
    ),
    "a named member in csv": lambda name, value: _in_csv(json.dumps([{"key": name, "value": value}])),
}


@given(
    st.sampled_from(NAMES),
    st.sampled_from(sorted(SPELLINGS)),
    st.text(alphabet=st.sampled_from("ab1 =;,:.-_\"'\\/{}[]\u00e4&?@%`"), max_size=12),
    st.text(alphabet=st.sampled_from("ab1 =;,:.-_\"'\\/{}[]\u00e4&?@%`"), max_size=12),
)
def test_a_quoted_secret_comes_through_under_no_name_and_in_no_spelling(
    name: str, spelling: str, before: str, after: str
) -> None:
    text = SPELLINGS[spelling](name, f"{before}{HIDDEN}{after}")
    for masked in (Redactor().text(text), Redactor().raw(text.encode())):
        assert HIDDEN not in masked
        assert Redactor().text(masked) == masked


BARE: dict[str, Callable[[str, str], str]] = {
    "a header line": lambda name, value: f"GET / HTTP/1.1\n{name}: {value}\nHost: x",
    "a header line in json": lambda name, value: json.dumps({"message": f"GET /\r\n{name}: {value}\r\nHost: x"}),
    "a header line in csv": lambda name, value: _in_csv(f"GET /\n{name}: {value}\nHost: x"),
    "a coloured line": lambda name, value: f"\x1b[1m{name}\x1b[0m=\x1b[32m{value}\x1b[0m",
    "an address": lambda name, value: f"GET https://app.example/x?n=1&{name}={value} 200",
    "an encoded address": lambda name, value: f"to {quote(f'https://app.example/x?n=1&{name}={value}', safe='')} 200",
    "a twice encoded address": lambda name, value: f"{quote(quote(f'/x?{name}={value}&n=1', safe=''), safe='')} 200",
    "a fragment": lambda name, value: f"https://app.example/cb#{name}={value}",
    "a query alone": lambda _, value: f"GET /x?{value} 200",
    "an array of Java": lambda name, value: f"{{host=[x], {name}=[{value}], n=[1]}}",
    "an option": lambda name, value: f"export {name}={value}; next",
}


@given(
    st.sampled_from(NAMES),
    st.sampled_from(sorted(BARE)),
    st.text(alphabet=st.sampled_from("ab1.-_:/+~$\u00e4"), max_size=12),
    st.text(alphabet=st.sampled_from("ab1.-_:/+~$\u00e4"), max_size=12),
)
def test_a_bare_secret_comes_through_under_no_name_and_in_no_spelling(
    name: str, spelling: str, before: str, after: str
) -> None:
    text = BARE[spelling](name, f"{before}{HIDDEN}{after}")
    for masked in (Redactor().text(text), Redactor().raw(text.encode())):
        assert HIDDEN not in masked
        assert Redactor().text(masked) == masked


PIECES = [
    "token", "cookie", "authorization", "password", "session", "query", ":", "=", ",", " ", "\n", '"', '""', "'", "`", "\\", "[", "]",
    "{", "}", "(", ")", "<", ">", "value", "name", "abc", "Basic ", "digest ", "b'", "=>", "+", "?", "&", "/", "#", "@", "x.de", "%3F",
    "%3D", "2001:db8::1", "203.0.113.4", "\\u0022", "\\u005c", "\\n", "[masked]", "null", "5", "\u0130", "null",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
def test_masking_twice_changes_nothing_more_in_any_mixture_either(text: str) -> None:
    once = Redactor().text(text)
    assert Redactor().text(once) == once


@pytest.mark.parametrize(
    "unit",
    [
        '"', "'", "\\", "[", "{", "(", "[{", 'token:"', "token:'", "token:[", "token:\\", "tokentoken", "token-", '"token",', "cookie:",
        '"cookie:a"', "authorization: digest ", "?", "/?", "%3F", "#a", "@a.", "a.a-", "eyJaaaaaa-", "2001:db8:", "1.2.3.4.", "\x1b[",
        "\\u0022", '"value":"x","name":"cookie"', "token: [ 'a', ", "token:'a'+",
    ],
)  # fmt: skip
@pytest.mark.timeout(20)
def test_a_megabyte_of_malice_is_masked_in_seconds(unit: str) -> None:
    Redactor().text("x@y ?=%3D token cookie: " + unit * (1_000_000 // len(unit)))
