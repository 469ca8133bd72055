"""The landed text as records: dialect, columns, blocks, and their readers."""
