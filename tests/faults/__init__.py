"""The fault campaign: what goes wrong on purpose, and whether anything was lost, doubled or early.

`python -m tests.faults` (`make faults`) runs all of it and goes on where it stopped; `test_short` runs a part
with fixed seeds. Counted at the provider's side: from the phone wall's export and the input, never from the
product's own tables.
"""
