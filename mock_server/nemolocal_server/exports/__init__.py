"""Exports: checked, queued and rendered."""
