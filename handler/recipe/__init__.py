"""What an upload gets besides its thumbnail, read from JSON and tried out."""
