"""Training runs: a folder with configuration, checkpoints, logs and pictures that resumes."""
