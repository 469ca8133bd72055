"""The list of imports: entries, liveness, repeats, and retries."""
