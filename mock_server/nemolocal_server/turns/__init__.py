"""Chat turns: planned, streamed, and committed to the draft."""
