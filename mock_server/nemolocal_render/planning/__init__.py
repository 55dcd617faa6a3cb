"""From a draft to a render plan: pure functions, no FFmpeg."""
