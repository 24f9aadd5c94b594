"""What people, reports and notebooks ask of the tables."""
