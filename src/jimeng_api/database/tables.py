"""What all tables belong to, and the one that tells whose database it is."""

from __future__ import annotations

from sqlalchemy import Column, MetaData, Table, Text

metadata = MetaData()

SEALED = {"sealed": True}
"""Marks a column whose bytes are encrypted and bound to the row's primary key: a new key seals them anew."""

key_files = Table(
    "key_files",
    metadata,
    # A digest of the key file that the rows were made with: another one can neither read nor find them.
    Column("digest", Text, primary_key=True),
)
