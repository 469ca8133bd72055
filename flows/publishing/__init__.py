"""What the Prefect UI shows: artifacts, summaries, and events."""
