"""Alembic's migrations: tables only; views are dropped and remade around each upgrade."""
