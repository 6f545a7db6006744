"""Values of secrets are masked wherever people write."""

from __future__ import annotations

from store.walk.masking import masked, masked_detail, secret_values
from tests.store.walk.builders import WalkWorld


def test_only_declared_secrets_of_some_length_are_masked(world: WalkWorld) -> None:
    runbook = world.world.runbook
    assert secret_values(runbook, {"TOKEN": " open-sesame\n", "HOST": "x"}) == {"TOKEN": "open-sesame"}
    assert secret_values(runbook, {"TOKEN": "abc"}) == {}
    assert secret_values(runbook, {}) == {}


def test_a_longer_secret_is_masked_before_one_inside_it() -> None:
    secrets = {"LONG": "abcdefgh", "SHORT": "cdef"}
    assert masked("abcdefgh cdef", secrets) == "<LONG> <SHORT>"
    assert masked_detail({"a": ["cdef", 1, None], "b": {"c": "x"}}, secrets) == {
        "a": ["<SHORT>", 1, None],
        "b": {"c": "x"},
    }
