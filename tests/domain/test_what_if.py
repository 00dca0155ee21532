"""What a large incident is assumed to be like is data, told, and refused where it cannot be."""

from __future__ import annotations

import pytest

from cism.domain.what_if import assumptions, parse_what_if
from cism.errors import BadInput


def test_what_is_given_stands_on_what_is_assumed_otherwise() -> None:
    found = parse_what_if("affected=2000, decline=12.5%,,sender=toll-free")
    assert (found.assumed.affected, found.assumed.decline, found.sender.rate) == (2000, 12.5, 3)
    assert found.assumed.call == assumptions().assumed.call
    assert parse_what_if("") == assumptions()


def test_shares_of_the_same_check_ins_may_be_all_of_them() -> None:
    assert parse_what_if("fine=90%,call=5%,now=4%,end=1%").assumed.end == 1


def test_every_assumption_is_told() -> None:
    told = assumptions().told()
    assert "decline=30" in told
    assert "price=0.0083" in told
    assert "per_day=1000" in told


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("affectd=10", "Did you mean affected"),
        ("affected", "e.g. affected=2000,decline=30%"),
        ("affected=many", "affected=many: Input should be a valid integer"),
        ("affected=0", "affected=0: Input should be greater than or equal to 1"),
        ("decline=130%", "decline=130: Input should be less than or equal to 100"),
        ("sender=10dlc", "Did you mean 10dlc-low"),
        ("fine=90%,call=20%", "together at most 100%"),
        ("fine=90%,call=5%,now=5%,end=1%", "together at most 100%"),
    ],
)
def test_what_is_not_possible_is_refused_with_what_to_write(given: str, said: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse_what_if(given)
    assert said in str(refused.value)
