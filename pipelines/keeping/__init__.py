"""What is kept and what must go: erasure of a child, legal holds, retention, backup and restore.

Erasure and retention find what they delete in the catalogue of the database and in the folders of the hub, never in a
list of tables, so that a table made tomorrow is covered.
"""
