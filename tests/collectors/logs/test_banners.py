"""The tool's own lines are passed over, its complaints are told, everything else is unreadable."""

from __future__ import annotations

import pytest

from collectors.logs.banners import around, is_tool_line, tool_version
from collectors.logs.record import Banner, SourceFault, Unread


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "\0\0",
        "Vercel CLI 50.1.5",
        'Fetching deployment "app.example" in team',
        "Fetching deployment …",
        "\x1b[2mDisplaying runtime logs for deployment app.example\x1b[0m",
        "⠋ waiting for new logs...",
        "waiting for new logs...",
        "WARN! Command automatically interrupted after 5 minutes.",
        "> NOTE: The Vercel CLI now collects telemetry",
        "npm warn exec The following package was not found",
        "No logs found for team/app",
    ],
)
def test_what_the_tool_prints_around_the_records_is_passed_over(text: str) -> None:
    assert isinstance(around(3, text.encode()), Banner)


def test_a_limit_and_an_error_are_told_by_the_source() -> None:
    assert around(3, b"WARN! Exceeded query duration limit of 5 minutes") == SourceFault(
        3, False, "the stream was cut by its limit: Exceeded query duration limit of 5 minutes"
    )
    assert around(4, b"Error: Not authorized") == SourceFault(4, True, "the command said: Not authorized")


def test_anything_else_is_unreadable() -> None:
    assert around(5, b"ordinary words") == Unread(5, "is not a record", b"ordinary words")
    assert around(5, b"\xff\xfe") == Unread(5, "is not a record", b"\xff\xfe")


def test_lines_of_an_application_are_never_taken_for_the_tools() -> None:
    assert is_tool_line("waiting for new logs...")
    assert not any(
        is_tool_line(text) for text in ("Fetching conversations", "> quoted", "Error: x", "Searching for leads")
    )


def test_the_version_is_read_from_the_banner() -> None:
    assert tool_version(b"Vercel CLI 50.1.5\n") == "Vercel CLI 50.1.5"
    assert tool_version(b"waiting for new logs...") == ""
