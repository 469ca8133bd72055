"""The values of one column at a time: emails, phones, dates, decimals."""
