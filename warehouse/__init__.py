"""The SQL warehouse: tables, staging, merge, segments, and the import list."""
