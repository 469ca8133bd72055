"""Sources on other machines, one module for each protocol."""
