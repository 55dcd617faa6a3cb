"""What is in a media file: streams, times, formats."""
