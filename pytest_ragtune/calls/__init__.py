"""Calls to what can fail: bounded, timed, retried, and never lost."""
