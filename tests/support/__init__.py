"""What tests share, typed: servers, callers, scripted backends, journals and media."""
