"""Training on several devices: what the global batch decides, strategies and layouts."""
