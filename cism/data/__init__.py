"""Samples that come with the product: invented people, and real incidents (see ATTRIBUTION.md)."""

from __future__ import annotations

from importlib.resources import files


def sample(name: str) -> str:
    """The text of one sample, like `sample_roster.csv`; raises FileNotFoundError for an unknown name."""
    return files(__name__).joinpath(name).read_text(encoding="utf-8")
