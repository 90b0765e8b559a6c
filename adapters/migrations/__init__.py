"""Alembic's environment and the migrations, in one line: each revision names the one before it."""
