"""Judges a run from outside: what reached the phones, what was put in, and when the clock was moved.

Nothing in here imports the product. The rules are written down a second time, from the contract, with
plain arithmetic, so that one mistake cannot hide in both places.
"""
