"""The project's own benchmarks: `python -m benchmarks.NAME`. They are not part of the wheel."""
