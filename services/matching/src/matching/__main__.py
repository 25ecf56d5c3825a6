"""``python -m matching``."""


def main() -> None:
    """Serve until SIGTERM."""
    # Imported here: the engine's worker processes import this module too, and must stay light.
    from shared.chassis.service import serve  # noqa: PLC0415

    from .main import build  # noqa: PLC0415
    from .settings import Settings  # noqa: PLC0415

    settings = Settings()
    serve(build(settings), settings)


if __name__ == "__main__":
    main()
