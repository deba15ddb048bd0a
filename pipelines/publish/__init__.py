"""Freeze what the public may see: a disclosure-controlled, audited snapshot with its page."""
