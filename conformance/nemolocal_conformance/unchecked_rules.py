"""The rules that no check tests, and why."""

UNCHECKED_RULES = {
    "AUTH-4": "All clients of an address share the limit: reaching it would lock the others "
    "out for a week. A local server has no limit by default; its own tests cover it.",
    "REN-10": "The speed of the cloud is measured, not checked: the calibration card of a report "
    "has what is assumed and what was measured.",
    "STA-5": "A client writes this line from the draft; it is not on the wire.",
}
"""Rule id → the reason."""
