"""Where browsers have passkeys."""

from __future__ import annotations

import pytest

from cism.services import passkeys


@pytest.mark.parametrize(
    ("address", "has"),
    [
        ("https://cism.example.org", True),
        ("http://localhost:8080", True),
        ("http://cism.example.org", False),
        ("https://192.0.2.7", False),
        ("http://127.0.0.1:8080", False),
        ("https://[2001:db8::1]", False),
    ],
)
def test_passkeys_are_offered_where_browsers_have_them(address: str, has: bool) -> None:
    assert passkeys.possible(address) is has
