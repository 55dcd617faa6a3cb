"""Turn a draft into a render plan: pure functions, no FFmpeg."""
