"""Which column of the file goes to which field of the catalogue."""
