"""What keeps untrusted work apart from this process: bubblewrap jails, and warm child processes that may be killed."""
