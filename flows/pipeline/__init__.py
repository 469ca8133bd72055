"""From a source to checked, staged rows, without Prefect."""
