"""``python -m feedback`` runs the service."""

from shared.chassis.service import serve

from .main import build
from .settings import Settings

if __name__ == "__main__":
    settings = Settings()
    serve(build(settings), settings)
