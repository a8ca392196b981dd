"""How the tables came to be what they are, one dated step a file (Alembic)."""
