"""What keeps work apart from this process: bubblewrap jails, and child processes, warm or forked, that may be killed."""
