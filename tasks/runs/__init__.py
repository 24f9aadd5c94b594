"""What a person asks of runs: make, change, estimate, import, export."""
