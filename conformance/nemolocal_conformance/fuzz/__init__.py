"""Scripts of calls, legal and illegal, and a small model that says what may be answered."""
