"""Running a skill document: its calls are prepared, made and judged."""
