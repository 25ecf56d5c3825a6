"""How a client proves to the bus who it is."""

import ssl
from typing import Any

from aiokafka.helpers import create_ssl_context

from .settings import ServiceSettings


def ssl_context(settings: ServiceSettings) -> ssl.SSLContext | None:
    """TLS with the bus's own authority, and a client certificate where one is set."""
    if "SSL" not in settings.kafka_security_protocol:
        return None
    context: ssl.SSLContext = create_ssl_context(
        cafile=settings.kafka_ssl_ca_file,
        certfile=settings.kafka_ssl_certificate_file,
        keyfile=settings.kafka_ssl_key_file,
    )
    return context


def security_arguments(settings: ServiceSettings) -> dict[str, Any]:
    """Keyword arguments for any aiokafka client."""
    arguments: dict[str, Any] = {"security_protocol": settings.kafka_security_protocol}
    if context := ssl_context(settings):
        arguments["ssl_context"] = context
    if settings.kafka_security_protocol.startswith("SASL") and settings.kafka_sasl_password:
        arguments |= {
            "sasl_mechanism": settings.kafka_sasl_mechanism,
            "sasl_plain_username": settings.kafka_sasl_username,
            "sasl_plain_password": settings.kafka_sasl_password.get_secret_value(),
        }
    return arguments
