"""What keeps work apart from this process: bubblewrap jails, and child processes that may be killed."""
