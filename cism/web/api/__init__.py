"""The programs' door: JSON under /api/v1, bearer tokens, problem documents."""
