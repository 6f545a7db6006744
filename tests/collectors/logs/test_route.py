"""Routes: whole paths, without host and query; patterns never match a prefix by accident."""

from __future__ import annotations

import pytest

from collectors.logs.route import OTHER, Routes, normalise_route, pattern_test


@pytest.mark.parametrize(
    ("given", "route"),
    [
        ("/api/x", "/api/x"),
        ("/api/x?cursor=1", "/api/x"),
        ("/api/x#top", "/api/x"),
        ("/api//x", "/api/x"),
        ("//api/x", "/api/x"),
        ("app.vercel.app/api/x", "/api/x"),
        ("app.vercel.app/", "/"),
        ("app.vercel.app", "/"),
        ("localhost:3000/api/x", "/api/x"),
        ("https://app.example/api/x?y=https://z", "/api/x"),
        ("https://app.example", "/"),
        ("app.vercel.app?next=/api/x", "/"),
        ("https://app.example?next=/api/x", "/"),
        (" /api/x ", "/api/x"),
        ("", None),
        ("-", None),
        (None, None),
        (7, None),
    ],
)
def test_a_path_is_what_is_left_without_scheme_host_and_query(given: object, route: str | None) -> None:
    assert normalise_route(given) == route


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("/api/webhooks/email", "/api/webhooks/email", True),
        ("/api/webhooks/email", "/api/webhooks/email/", True),
        ("/api/webhooks/email", "/api/webhooks/email-status", False),
        ("/api/webhooks/email", "/x/api/webhooks/email", False),
        ("/api/inbox/*", "/api/inbox/counts", True),
        ("/api/inbox/*", "/api/inbox/a/b", False),
        ("/api/inbox/**", "/api/inbox/a/b", True),
        ("/api/inbox/**", "/api/inbox", False),
        ("/api/inbox/**", "/api/inboxes", False),
        ("/api/*/email", "/api/webhooks/email", True),
        ("/api/*/**", "/api/a/b/c", True),
        ("/api/leads/[id]", "/api/leads/[id]", True),
        ("/api/leads/[id]", "/api/leads/i", False),
        ("/", "/", True),
    ],
)
def test_a_pattern_matches_whole_paths(pattern: str, path: str, matches: bool) -> None:
    assert pattern_test(pattern)(path) is matches


def test_traffic_counts_a_path_under_its_most_specific_route_only() -> None:
    routes = Routes([("/api/**",), ("/api/inbox/**",), ("/api/inbox/conversations",), ()], by_status=[1])

    def place(path: str) -> tuple[str, tuple[int, ...], bool]:
        return routes.of(path).label, routes.of(path).signatures, routes.of(path).by_status

    assert place("/api/inbox/conversations") == ("/api/inbox/conversations", (0, 1, 2, 3), True)
    assert place("/api/inbox/conversations/") == ("/api/inbox/conversations", (0, 1, 2, 3), True)
    assert place("/api/inbox/counts") == ("/api/inbox/**", (0, 1, 3), True)
    assert place("/api/health") == ("/api/**", (0, 3), False)
    assert place("/about") == (OTHER, (3,), False)


def test_traffic_of_crossing_patterns_counts_under_the_path_itself() -> None:
    routes = Routes([("/api/*/email",), ("/api/webhooks/**",)])
    assert routes.of("/api/webhooks/email").label == "/api/webhooks/email"
    assert routes.of("/api/webhooks/email/").label == "/api/webhooks/email"
    assert routes.of("/api/webhooks/sms").label == "/api/webhooks/**"
    assert routes.of("/api/inbox/email").label == "/api/*/email"


def test_an_open_end_is_wider_than_a_segment_so_traffic_is_counted_under_the_narrower() -> None:
    routes = Routes([("/u/**",), ("/u/*/a",)])
    assert [routes.of(f"/u/{name}/a").label for name in ("1", "2")] == ["/u/*/a", "/u/*/a"]


def test_the_memory_of_paths_is_bounded() -> None:
    routes = Routes([("/api/**",)])
    routes.LIMIT = 10
    for number in range(100):
        assert routes.of(f"/api/{number}").label == "/api/**"
    assert len(routes._known) <= 10
