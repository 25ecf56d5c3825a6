"""What the services promise each other: schemas, examples, envelope, and who emits and reads what."""
