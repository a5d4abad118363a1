"""What an error means here, and what to do about it."""
