"""Probe media files: streams, durations, formats."""
