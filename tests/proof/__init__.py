"""Confidentiality shown from outside: what each person gets, and what is written down anywhere."""
