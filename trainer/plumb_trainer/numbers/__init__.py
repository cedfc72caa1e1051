"""Numbers: their form in JSON, distances between floats, and how far a bundle may be from its pipeline."""
