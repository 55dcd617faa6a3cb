"""Build the filter graphs of a plan: the only modules that use ffmpeg-python."""
