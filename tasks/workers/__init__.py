"""What a process does with works: generate, verify, score, sweep."""
