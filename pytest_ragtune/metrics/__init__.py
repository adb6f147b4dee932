"""Part of pytest-ragtune."""
