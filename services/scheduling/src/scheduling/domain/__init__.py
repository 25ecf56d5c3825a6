"""What scheduling decides: pure functions over frozen states, each change with the events that tell of it."""
