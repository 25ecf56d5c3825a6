"""What matching decides: pure functions and frozen dataclasses."""
