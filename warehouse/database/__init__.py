"""Opens the warehouse and creates what is missing in it."""
