"""The delivery and reservation protocols, explored as programs over an adversarial scheduler.

Each protocol is written a second time, as generators that yield wherever another process may run or this one
may die, against a store and a broker with the faults of the real ones. Thousands of seeded schedules are
played; after each, the faults stop, everything may finish, and the outcome is judged. Every rule of a
protocol has a mutant that leaves the rule out and must be caught: a rule without one would be decoration.

It checks the design. That the code follows the design is for the chassis' own tests and for the chaos suite.

Not modelled: several keys, the bounds on inbox and outbox length, clocks that run backwards.
"""
