"""Scripts of calls against the reference server and against servers with wrong responses."""
