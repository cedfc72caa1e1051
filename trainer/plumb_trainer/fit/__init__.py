"""Builds and fits the pipeline that a recipe describes."""
