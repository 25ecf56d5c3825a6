"""Play one seed again and print every step: ``PYTHONPATH=tests python -m model_check MODEL DESIGN SEED``."""

import sys

from . import moving, outbox, reservation


def main(arguments: list[str]) -> int:
    """Print the schedule, then what it broke. MODEL is ``outbox``, ``moving`` or a kind of reservation."""
    models = {"outbox": sorted(outbox.DESIGNS), "moving": sorted(moving.DESIGNS)}
    models |= {kind: sorted(reservation.DESIGNS) for kind in reservation.FITS}
    match arguments:
        case [model, design, seed] if design in models.get(model, ()) and seed.isdigit():
            if model == "outbox":
                broken, _ = outbox.check(int(seed), outbox.DESIGNS[design], trace=print)
            elif model == "moving":
                broken, _ = moving.check(int(seed), moving.DESIGNS[design], trace=print)
            else:
                broken, _ = reservation.check(int(seed), model, reservation.DESIGNS[design], trace=print)
        case _:
            sys.stdout.write(f"{__doc__}\n")
            for model, designs in models.items():
                sys.stdout.write(f"{model}: {' '.join(designs)}\n")
            return 2
    sys.stdout.write(f"broken: {'; '.join(sorted(broken)) or 'nothing'}\n")
    return 1 if broken else 0


sys.exit(main(sys.argv[1:]))
