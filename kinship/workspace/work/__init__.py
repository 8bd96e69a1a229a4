"""What a worker can do: download, hash, evaluate, measure, merge, score points between models."""
