"""Generated media: scenes, music and the sample clip."""
