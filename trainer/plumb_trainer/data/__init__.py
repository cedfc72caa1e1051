"""The data of a recipe: read, checked, split, and as the DataFrames and rows that a pipeline takes."""
