"""Holds a bundle to its pipeline by the code that serves."""
