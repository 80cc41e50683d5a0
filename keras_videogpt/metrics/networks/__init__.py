"""Networks in whose features videos are compared, or frames, or by which they are classified."""
