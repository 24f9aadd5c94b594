"""Data at rest, and the questions asked of it: tables, settings, database, views, statistics, cost."""
