"""Records that nobody should ever send, sent to a real service."""
