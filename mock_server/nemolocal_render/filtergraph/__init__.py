"""The filter graphs of a plan: the only modules that know ffmpeg-python."""
