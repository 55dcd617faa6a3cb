"""Local compression against the cloud: measured, gated, searched and reported."""
