"""Metrics of other libraries as metrics of ours, held to our rules."""
