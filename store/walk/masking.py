"""Values of the runbook's secrets, masked in whatever people write: a pasted command must not carry a password into the file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from store.runbook.model import Runbook

SHORTEST = 4
"""A shorter value would be masked in the middle of ordinary words."""


def secret_values(runbook: Runbook, environ: Mapping[str, str]) -> dict[str, str]:
    """Names and values of the secrets that are set here, the longest value first."""
    found = {name: environ.get(name, "").strip() for name in runbook.secrets}
    return dict(sorted(((n, v) for n, v in found.items() if len(v) >= SHORTEST), key=lambda pair: -len(pair[1])))


def masked(text: str, secrets: Mapping[str, str]) -> str:
    """The text with `<NAME>` in place of each secret's value."""
    for name, value in secrets.items():
        text = text.replace(value, f"<{name}>")
    return text


def masked_detail(value: Any, secrets: Mapping[str, str]) -> Any:
    """The same for every text inside a JSON value."""
    if isinstance(value, str):
        return masked(value, secrets)
    if isinstance(value, dict):
        return {key: masked_detail(one, secrets) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [masked_detail(one, secrets) for one in value]
    return value
