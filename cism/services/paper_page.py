"""The paper as a page: black on white, A4 or letter, for any browser; no picture, no script, no address."""

from __future__ import annotations

from html import escape
from typing import Final

from cism.services.paper import Paper, Table

_STYLE: Final = (
    "body{font:11pt/1.35 serif;color:#000;background:#fff;margin:1.5cm}"
    "h1{font-size:16pt;margin:0}h2{font-size:13pt;border-bottom:1pt solid #000;margin:1em 0 .3em}"
    "h3{font-size:11pt;margin:.8em 0 .2em}table{border-collapse:collapse;width:100%}"
    "td,th{border:.5pt solid #000;padding:.15em .4em;text-align:left;vertical-align:top}"
    "tr{page-break-inside:avoid}.first{page-break-before:always}"
)


def page(paper: Paper) -> str:
    """The whole paper."""
    head = (
        f"<!doctype html>\n<html lang=en><meta charset=utf-8><title>Call tree and open promises</title>\n"
        f"<style>{_STYLE}</style>\n<h1>{escape(paper.agency)}: if the computer is gone</h1>\n"
        f"<p>As of <b>{escape(paper.made)}</b>. Secret: names of people who are looked after. "
        f"Shred it when a newer one is here.</p>\n"
        f"<p>Duty phone <b>{escape(paper.duty_phone)}</b>. Crisis line: <b>{escape(paper.crisis_line)}</b>. "
        f"Emergency: <b>911</b>.</p>\n"
    )
    tree = "".join(_table(table) for table in paper.tree)
    promises = "".join(_table(table) for table in paper.promises)
    notes = "".join(f"<p>{escape(note)}</p>\n" for note in paper.notes)
    return (
        f"{head}<h2>Whom to call</h2>\n{tree}<h2 class=first>Open promises</h2>\n{promises}{notes}</html>\n"
    )


def _table(table: Table) -> str:
    title = f"<h3>{escape(table.title)}</h3>\n"
    if not table.rows:
        return f"{title}<p>Nothing.</p>\n"
    heads = "".join(f"<th>{escape(name)}" for name in table.columns)
    rows = "".join("<tr>" + "".join(f"<td>{escape(cell)}" for cell in row) + "\n" for row in table.rows)
    return f"{title}<table>\n<tr>{heads}\n{rows}</table>\n"
