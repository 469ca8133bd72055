"""Benchmarks: imports measured beside bare loads and other tools, by `make bench`."""
