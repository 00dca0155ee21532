"""A mistake in a written value is told in the words of whoever wrote it, however deep it stands."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from pydantic import BaseModel, ConfigDict, Field

from cism.domain.model_errors import validated
from cism.domain.yaml_lines import Loc, Problem


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: int = 0


class Outer(BaseModel):
    by_name: dict[str, Inner] = {}
    in_order: tuple[Inner, ...] = ()
    noted: tuple[Annotated[Inner, Field(description="with a note")], ...] = ()
    code: Annotated[str, Field(pattern="^[a-z]$")] = "a"


@pytest.mark.parametrize(
    ("value", "loc"),
    [
        ({"by_name": {"x": {"nmae": 1}}}, ("by_name", "x", "nmae")),
        ({"in_order": [{"nmae": 1}]}, ("in_order", 0, "nmae")),
        ({"noted": [{"nmae": 1}]}, ("noted", 0, "nmae")),
    ],
)
def test_a_key_that_is_not_there_is_told_with_the_nearest_one_however_deep_it_stands(
    value: Any, loc: Loc
) -> None:
    assert validated(value, Outer) == (None, [Problem(loc, "there is no such key. Did you mean name?")])


def test_a_value_that_cannot_be_used_is_told_with_itself_and_an_example() -> None:
    wrong = "'AA' cannot be used; write small letters, digits and - as in f7"
    assert validated({"code": "AA"}, Outer) == (None, [Problem(("code",), wrong)])
    assert validated("x", int) == (None, [Problem((), "'x' is not a whole number; write e.g. 2")])
