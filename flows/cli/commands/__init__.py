"""What each command does: one module for each group of commands."""
