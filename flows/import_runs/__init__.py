"""One import: its tasks, its lifecycle, and recovery after a crash."""
