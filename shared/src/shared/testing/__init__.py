"""What tests share: honest in-memory ports, a clock to hold, and fixtures for real Kafka and MongoDB."""
