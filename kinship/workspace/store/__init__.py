"""What is kept: the database, the home folder, and the records of families, checkpoints, tables, merges and scores."""
