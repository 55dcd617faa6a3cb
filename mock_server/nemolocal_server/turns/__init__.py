"""Chat turns: planned, stored, played on the clock, committed to the draft."""
