"""Any source as one UTF-8 CSV text in the import's work folder."""
