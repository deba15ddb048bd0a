"""Hostile input to the door: mutated extracts, guided by the lines they reach (`make fuzz`)."""
