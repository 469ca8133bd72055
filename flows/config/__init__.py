"""Settings, environment, and the request for one import."""
