"""Validation: the codes of the rules, checks on whole columns, and the Pandera schema made of them."""
