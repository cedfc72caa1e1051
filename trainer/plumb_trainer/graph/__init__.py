"""A fitted preprocessing as it is served: preprocessing.json, schema.json, and the twin that computes what is served."""
