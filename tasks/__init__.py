"""Work in motion: the Celery app, the ledger of every work's state, and the engines."""
