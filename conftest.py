"""Every suite may ask for the real Kafka and MongoDB."""

pytest_plugins = ["shared.testing.backends"]
