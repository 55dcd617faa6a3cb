"""The rules that no check tests, and why."""

UNCHECKED_RULES = {
    "AUTH-4": "A window that all clients of an address share: to fill it would lock out everybody "
    "else for a week. The reference has it off, and its own tests show it.",
    "REN-10": "How fast the cloud is. The calibration card of a report says what is assumed of it, "
    "and what was measured.",
    "STA-5": "A line that a client writes from the draft: nothing of it is on the wire.",
}
"""Rule id → the reason."""
