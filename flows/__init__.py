"""The Prefect flows, their reports and artifacts, and the contacts command."""
