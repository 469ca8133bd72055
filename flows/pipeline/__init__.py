"""From a source to judged, staged rows, without Prefect."""
