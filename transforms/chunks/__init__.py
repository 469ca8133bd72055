"""One block of records: read, validated, and split into accepted and rejected."""
