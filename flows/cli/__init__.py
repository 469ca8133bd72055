"""The contacts command, one module for each group of commands."""
