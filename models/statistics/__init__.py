"""Numbers in, numbers out: coverage, intervals, fits, forecasts, voting curves. No database, no queue."""
