"""One cell or column: its normal form, its translation, and the message about it."""
