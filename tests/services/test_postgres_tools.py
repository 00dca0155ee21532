"""A copy made with newer tools goes back into an older server."""

from __future__ import annotations

import pytest

from cism.services.postgres_tools import without_unknown

# what the tools of release 18 write for whichever server
DUMP = b"""--
-- PostgreSQL database dump
--

\\restrict abc
SET statement_timeout = 0;
SET transaction_timeout = 0;
SELECT pg_catalog.set_config('search_path', '', false);

DROP TABLE IF EXISTS public.person;
SET default_tablespace = '';
COPY public.person (id) FROM stdin;
SET transaction_timeout = 0;
\\.
""".splitlines(keepends=True)


@pytest.mark.parametrize(
    ("known", "left"),
    [({"statement_timeout"}, 1), ({"statement_timeout", "transaction_timeout"}, 2)],
)
def test_only_what_an_old_server_does_not_know_is_left_out_and_only_at_the_beginning(
    known: set[str], left: int
) -> None:
    fitting = list(without_unknown(DUMP, known))
    assert fitting.count(b"SET transaction_timeout = 0;\n") == left
    assert [line for line in fitting if b"transaction" not in line] == [
        line for line in DUMP if b"transaction" not in line
    ]
    assert b"SET default_tablespace = '';\n" in fitting
