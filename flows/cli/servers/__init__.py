"""The Prefect servers that commands start: one for a single command, and the one of `make ui`."""
