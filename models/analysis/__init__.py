"""What SQL cannot compute of a run, computed into tables that the views read."""
