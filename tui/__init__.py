"""The operator's desk: the command line and the full-screen application. Never judges; shows what the store's views say."""
