"""Every metric of the chassis by name, with what it counts and what a rise means.

The texts are a contract: ``docs/operations/observability.md`` repeats them beside the alerts, and a test compares the
two. A service adds its own to :attr:`Metrics.registry` in its composition root, and to that document.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

HANDLER_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20)
REQUEST_BUCKETS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """One registry per process."""

    def __init__(self, service: str) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        # --- rate, errors and duration of requests and deliveries ---------------------------------------
        self.requests = Histogram(
            "telemachus_http_request_seconds",
            "HTTP requests by route and status. Many of 5xx, or slow ones: look at the database first.",
            ["method", "route", "status"],
            buckets=REQUEST_BUCKETS,
            registry=self.registry,
        )
        self.handled = Counter(
            "telemachus_deliveries",
            "Deliveries by outcome: applied, dead_lettered, postponed (the database is away) or retried (another try "
            "follows). A rise of the last three: look at the logs.",
            ["topic", "outcome"],
            registry=self.registry,
        )
        self.handler_seconds = Histogram(
            "telemachus_handler_seconds",
            "Time from reading a delivery to its outcome, tries and pauses between them included.",
            ["topic"],
            buckets=HANDLER_BUCKETS,
            registry=self.registry,
        )
        # --- the outbox and its relay ---------------------------------------------------------------
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
        self.relay_repeats = Counter(
            "telemachus_relay_repeats",
            "Events sent although an earlier send may have arrived: after a failed send, or after the lease of a relay "
            "that died or froze. Readers drop what they have. A rise without restarts: relays lose their leases.",
            ["event"],
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
        # --- reading ----------------------------------------------------------------------------------
        self.consumer_lag = Gauge(
            "telemachus_consumer_lag",
            "Records not yet handled, per topic and partition of this replica. Growing for minutes: add replicas.",
            ["topic", "partition"],
            registry=self.registry,
        )
        self.dead_letters = Counter(
            "telemachus_dead_letters",
            "Records put on the dead-letter topic, by reason. Above zero: alert.",
            ["reason"],
            registry=self.registry,
        )
        # --- writing ----------------------------------------------------------------------------------
        self.unchanged = Counter(
            "telemachus_repeats_dropped",
            "Deliveries and commands that changed nothing, since their effect was there: known by the inbox, as a "
            "command, or by a version at least as new. A rise follows restarts; without one, something sends twice.",
            ["known_by"],
            registry=self.registry,
        )
        self.cas_retries = Counter(
            "telemachus_write_conflicts",
            "Compare-and-set writes that lost and ran again. A rise: one document is hot.",
            registry=self.registry,
        )
        # --- the process --------------------------------------------------------------------------------
        self.backend_started = Gauge(
            "telemachus_backend_started",
            "1 once this replica has reached mongo, and has started its kafka_producer and kafka_consumers. "
            "0 for minutes: /status says why.",
            ["backend"],
            registry=self.registry,
        )
        self.service = Gauge(
            "telemachus_service_info", "Which service this is; always 1.", ["service"], registry=self.registry
        )
        self.service.labels(service).set(1)
