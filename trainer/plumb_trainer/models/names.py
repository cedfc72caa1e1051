"""What a bundle's model and its tensors are called."""

# The id of a single model, and its output as postprocessing.json reads it.
MODEL = "main"
INPUT, OUTPUT = "X", "Y"
RAW = f"{MODEL}.{OUTPUT}"
