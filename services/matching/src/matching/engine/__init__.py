"""The matching engine: scores of all pairs at once, and the best choice among them, proven.

It is usable on its own: arrays in, a result out, nothing read or written on the way. Mentees are rows, mentors are
columns, scores are whole numbers, each mentee gets one mentor at most and each mentor has places.

>>> import numpy as np
>>> from matching.engine import market, objective, optimum
>>> from shared.contracts import Objective
>>> scores = np.array([[90, 80], [70, 20], [60, 50]])
>>> possible = np.array([[True, True], [True, False], [True, True]])
>>> asked = market.from_scores(scores, possible, places=np.array([1, 1]))
>>> found = objective.solve(asked, [Objective.PARTICIPATION, Objective.WORST_SERVED, Objective.TOTAL])
>>> found.partner.tolist()  # the third mentee gets nobody
[1, 0, -1]
>>> proof = found.certificate
>>> proof.primal == proof.dual, proof.violations, proof.pairs_checked  # all pairs that score 70 or more
(True, 0, 3)
>>> optimum.optimum(asked).total  # the best total alone, with its prices in ``state``
150

From the inside out: :mod:`.compiled` (the compiler), :mod:`.market` (what is asked, as columns), :mod:`.scan` (the
scores of all pairs, block by block), :mod:`.sparse` (the optimum on few pairs), :mod:`.optimum` (over all pairs, by
pricing), :mod:`.objective` (several aims in order), :mod:`.live` with :mod:`.sight` and :mod:`.column` (one arrival,
departure or change at a time) and :mod:`.baselines` (what simpler ways would reach). None of these knows of people.
:mod:`.encode` makes columns of people, :mod:`.compute` a proposal of an answer, and :mod:`.process` runs that beside
the event loop.

The first call compiles, for up to a minute; ``python -m matching.engine`` does so ahead. Why it is made like this:
docs/decisions/0036.
"""
