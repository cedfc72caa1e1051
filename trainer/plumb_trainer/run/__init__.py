"""What a user starts: a training run, an export."""
