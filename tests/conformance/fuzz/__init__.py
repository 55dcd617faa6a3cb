"""Scripts of calls, played on the reference and on servers of odd answers."""
