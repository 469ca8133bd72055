"""The exceptions that stop a run, grouped by what the caller does next."""
