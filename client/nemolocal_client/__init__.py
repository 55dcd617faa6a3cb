"""The reference client of the NemoVideo contract."""
