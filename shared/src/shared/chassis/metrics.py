"""Every metric of the platform by name, with what it counts and what a rise means."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class Metrics:
    """One registry per process."""

    def __init__(self, service: str) -> None:
        self.registry = CollectorRegistry()
        self.events_published = Counter(
            "telemachus_events_published",
            "Events acknowledged by Kafka. A stop while the outbox grows: Kafka or the relay is ill.",
            ["event"],
            registry=self.registry,
        )
        self.publish_failures = Counter(
            "telemachus_publish_failures",
            "Sends that Kafka did not acknowledge; each is tried again. A rise: Kafka is ill.",
            registry=self.registry,
        )
        self.outbox_pending = Gauge(
            "telemachus_outbox_pending_documents",
            "Documents with incomplete publications. Should fall back to zero.",
            registry=self.registry,
        )
        self.outbox_age = Gauge(
            "telemachus_outbox_oldest_seconds",
            "Age of the oldest incomplete publication. Above 60: alert.",
            registry=self.registry,
        )
        self.handled = Counter(
            "telemachus_deliveries",
            "Deliveries by outcome: applied, dead_lettered, postponed. A rise of the last two: look at the logs.",
            ["event", "outcome"],
            registry=self.registry,
        )
        self.handler_seconds = Histogram(
            "telemachus_handler_seconds",
            "Time from reading a delivery to its outcome.",
            ["event"],
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20),
            registry=self.registry,
        )
        self.retries = Counter(
            "telemachus_handler_retries", "Handler runs beyond the first.", ["event"], registry=self.registry
        )
        self.dead_letters = Counter(
            "telemachus_dead_letters",
            "Records put on the dead-letter topic, by reason. Above zero: alert.",
            ["reason"],
            registry=self.registry,
        )
        self.consumer_lag = Gauge(
            "telemachus_consumer_lag",
            "Records not yet handled, per topic and partition of this replica.",
            ["topic", "partition"],
            registry=self.registry,
        )
        self.cas_retries = Counter(
            "telemachus_write_conflicts",
            "Compare-and-set writes that lost and ran again. A rise: one document is hot.",
            registry=self.registry,
        )
        self.requests = Histogram(
            "telemachus_http_request_seconds",
            "HTTP requests by route and status.",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self.service = Gauge(
            "telemachus_service_info", "Which service this is; always 1.", ["service"], registry=self.registry
        )
        self.service.labels(service).set(1)
