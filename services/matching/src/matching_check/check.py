"""``matching-check INSTANCE RESULT``: proves a result, or refuses it and says why.

The steps stand below in the order in which they run, each with the rule that it holds the result to. Rules and scores
are in ``instance``, the proof that nothing better exists is in ``proof``, what the files look like is in ``files``.
"""

import hashlib
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .files import RESULT, Unreadable, read_json, require_shape
from .instance import Instance, shared_minutes, taught
from .proof import Possible, Proof

PROVEN, REFUSED, UNREADABLE = 0, 1, 2
MOST_LINES = 50
USAGE = "usage: matching-check INSTANCE RESULT\n0: proven, 1: refused, 2: one of the files cannot be read"


class Check:
    """One result, held against its instance. What is wrong is gathered in ``refusals``."""

    def __init__(self, instance: Instance, digest: str, result: Any) -> None:
        require_shape(result, RESULT, "result")
        if result["format"] != "telemachus-matching-result/1":
            raise Unreadable(f"the result has the format {result['format']!r}")
        self.instance, self.digest, self.result = instance, digest, result
        self.refusals: list[str] = []
        self.mentors = {id_: one for id_, one in instance.mentors.items() if one.takes_part}
        self.mentees = {id_: one for id_, one in instance.mentees.items() if one.takes_part}
        self.partner: dict[str, str] = {}
        self.room = {id_: one.places for id_, one in self.mentors.items()}
        self.possible: Possible = {}
        self.words: list[str] = []

    def refuse(self, reason: str) -> None:
        """Note that something is wrong."""
        self.refusals.append(reason)

    def run(self) -> None:
        """All steps. Later ones need earlier ones to hold, and are left out where they do not."""
        if self.result["certificate"]["instance_sha256"] != self.digest:
            self.refuse(f"the result is of another instance: its digest is not {self.digest}")
        self.check_who_is_paired()
        if self.refusals:
            return
        self.check_locks()
        self.check_scores()
        self.look_at_every_pair()
        self.check_figures()
        self.check_left_out()
        self.check_proof()

    # -- Step 1: the pairs are a choice at all ------------------------------------------------------------------

    def check_who_is_paired(self) -> None:
        """People exist and are ready, nobody has more pairs than places, no hard rule is broken."""
        filled = dict.fromkeys(self.instance.mentors, 0)
        for pair in self.result["pairs"]:
            both = f"{pair['mentor']} and {pair['mentee']}"
            mentor, mentee = self.instance.mentors.get(pair["mentor"]), self.instance.mentees.get(pair["mentee"])
            if mentor is None or mentee is None:
                self.refuse(f"{both}: one of the two is not in the instance, or on the other side")
                continue
            for person in (mentor, mentee):
                if not person.ready:
                    self.refuse(f"{both}: {person.id} is not ready")
            if mentee.id in self.partner:
                self.refuse(f"{both}: {mentee.id} is paired with {self.partner[mentee.id]} already")
            if mentee.places == 0:
                self.refuse(f"{both}: {mentee.id} has no free place")
            self.partner[mentee.id] = mentor.id
            filled[mentor.id] += 1
            if filled[mentor.id] > mentor.places:
                self.refuse(f"{both}: {mentor.id} has {filled[mentor.id]} pairs and {mentor.places} places")
            for rule in self.instance.broken_rules(mentor, mentee):
                self.refuse(f"{both}: forbidden by {rule}")

    # -- Step 2: locks are kept, or dropped for a reason ---------------------------------------------------------

    def check_locks(self) -> None:
        """Each lock of the instance is a pair, or cannot be kept beside the rules, the places and other locks."""
        dropped = [(lock["mentor"], lock["mentee"]) for lock in self.result["dropped_locks"]]
        kept = {lock for lock in self.instance.locked if self.partner.get(lock[1]) == lock[0]}
        for mentor_id, mentee_id in sorted(set(dropped) - (self.instance.locked - kept)):
            self.refuse(f"{mentor_id} and {mentee_id}: dropped as a lock, and is none of the instance or is kept")
        if len(dropped) != len(set(dropped)):
            self.refuse("a lock is dropped twice")
        for mentor_id, _ in kept:
            self.room[mentor_id] -= 1
        locked_mentees = {mentee_id for _, mentee_id in kept}
        for mentor_id, mentee_id in sorted(self.instance.locked - kept):
            both = f"{mentor_id} and {mentee_id}"
            if (mentor_id, mentee_id) not in dropped:
                self.refuse(f"{both}: locked, and neither paired nor reported as dropped")
            mentor, mentee = self.mentors.get(mentor_id), self.mentees.get(mentee_id)
            if mentor is None or mentee is None or self.instance.broken_rules(mentor, mentee):
                continue
            if self.room[mentor_id] > 0 and mentee_id not in locked_mentees:
                self.refuse(f"{both}: the lock is dropped, and could be kept")
        for pair in self.result["pairs"]:
            if pair["locked"] != ((pair["mentor"], pair["mentee"]) in kept):
                self.refuse(f"{pair['mentor']} and {pair['mentee']}: locked in one of the two files only")
        self.words.append(
            f"Rules: {len(self.partner)} pairs, each possible; locks kept: {len(kept)}, dropped: {len(dropped)}."
        )

    # -- Step 3: scores and what they rest on --------------------------------------------------------------------

    def check_scores(self) -> None:
        """Each term is what the policy gives, the score is their sum, and what is shared is shared."""
        for pair in self.result["pairs"]:
            both = f"{pair['mentor']} and {pair['mentee']}"
            mentor, mentee = self.mentors[pair["mentor"]], self.mentees[pair["mentee"]]
            terms = self.instance.terms(mentor, mentee)
            for name in sorted(terms.keys() | pair["terms"].keys()):
                if terms.get(name) != pair["terms"].get(name):
                    self.refuse(f"{both}: {name} is {terms.get(name)}, not {pair['terms'].get(name)}")
            for name, is_ in (
                ("score", sum(terms.values())),
                ("shared_skills", taught(mentor, mentee)),
                ("shared_languages", sorted(mentor.languages & mentee.languages)),
                ("shared_minutes_per_week", shared_minutes(mentor, mentee)),
            ):
                if pair[name] != is_:
                    self.refuse(f"{both}: {name} is {is_}, not {pair[name]}")
        self.words.append("Scores: every term of every pair is what the policy gives, and the terms add up.")

    def look_at_every_pair(self) -> None:
        """Not a check yet: apply the rules to all mentees and all mentors, and score what is possible."""
        told = time.monotonic()
        for done, (mentee_id, mentee) in enumerate(self.mentees.items()):
            self.possible[mentee_id] = [
                (mentor_id, sum(self.instance.terms(mentor, mentee).values()))
                for mentor_id, mentor in self.mentors.items()
                if not self.instance.broken_rules(mentor, mentee)
            ]
            if time.monotonic() > told + 2:
                told = time.monotonic()
                sys.stderr.write(f"{100 * done // len(self.mentees)} % of all pairs scored\n")

    def check_figures(self) -> None:
        """The sums over the pairs and the people."""
        scores = [dict(self.possible[mentee])[mentor] for mentee, mentor in self.partner.items()]
        everybody = {**self.instance.mentors, **self.instance.mentees}
        paired = {*self.partner, *self.partner.values()}
        # Who has fewer free places than their capacity is in a pairing already, and never left out.
        unpaired = [id_ for id_, one in everybody.items() if id_ not in paired and one.places == one.capacity]
        for name, is_ in {
            "mentors": len(self.mentors),
            "mentees": len(self.mentees),
            "pairs": len(scores),
            "unmatched_mentors": sum(id_ in self.instance.mentors for id_ in unpaired),
            "unmatched_mentees": sum(id_ in self.instance.mentees for id_ in unpaired),
            "score": sum(scores),
            "worst_score": min(scores, default=0),
            "mean_score": sum(scores) // len(scores) if scores else 0,
        }.items():
            if self.result["figures"][name] != is_:
                self.refuse(f"figures: {name} is {is_}, not {self.result['figures'].get(name)}")
        self.unpaired = unpaired

    # -- Step 4: who is left out, and why ------------------------------------------------------------------------

    def check_left_out(self) -> None:
        """Everybody without a pair is told of, with the right reason and the right number of possible partners."""
        told = {person["id"]: person for person in self.result["left_out"]}
        if len(told) != len(self.result["left_out"]):
            self.refuse("left_out: somebody stands there twice")
        for id_ in sorted(told.keys() - set(self.unpaired)):
            self.refuse(f"{id_}: told of as left out, and is not")
        for id_ in self.unpaired:
            if id_ not in told:
                self.refuse(f"{id_}: has no pair, and is not among those left out")
                continue
            for name, is_ in self.why_left_out(id_).items():
                if told[id_][name] != is_:
                    self.refuse(f"{id_}: left out, where {name} is {is_}, not {told[id_][name]}")
        self.words.append(f"Left out: {len(self.unpaired)} people, with the right reasons.")

    def why_left_out(self, id_: str) -> dict[str, Any]:
        """What the result must say of somebody without a pair."""
        mentor_side = id_ in self.instance.mentors
        person = (self.instance.mentors if mentor_side else self.instance.mentees)[id_]
        others = self.mentees if mentor_side else self.mentors
        shut_out: dict[str, int] = {}
        possible = 0
        for other in others.values() if person.ready else ():
            broken = self.instance.broken_rules(*((person, other) if mentor_side else (other, person)))
            possible += not broken
            for rule in broken:
                shut_out[rule] = shut_out.get(rule, 0) + 1
        if not person.ready:
            reason = "not_ready"
        elif not others:
            reason = "nobody_on_the_other_side"
        else:
            reason = "capacity" if possible else "rules"
        role = "mentor" if mentor_side else "mentee"
        return {"role": role, "reason": reason, "possible_partners": possible, "shut_out_by": shut_out}

    # -- Step 5: no better choice exists -------------------------------------------------------------------------

    def check_proof(self) -> None:
        """The certificate proves it, for everybody outside of locked pairs."""
        free = {mentee for mentee, mentor in self.partner.items() if (mentor, mentee) not in self.instance.locked}
        possible = {id_: pairs for id_, pairs in self.possible.items() if id_ in free or id_ not in self.partner}
        chosen = {id_: (self.partner[id_], dict(possible[id_])[self.partner[id_]]) for id_ in sorted(free)}
        proof = Proof(self.result["certificate"], possible, chosen, self.room)
        proof.check(self.instance.aims)
        self.refusals += proof.refusals
        self.words += proof.words


def main(arguments: Sequence[str] | None = None) -> int:
    """Check; see the usage."""
    paths = list(sys.argv[1:] if arguments is None else arguments)
    if len(paths) != 2 or paths[0].startswith("-"):  # noqa: PLR2004
        sys.stderr.write(f"{__doc__}\n{USAGE}\n")
        return UNREADABLE
    try:
        given, content = read_json(Path(paths[0]))
        check = Check(Instance(given), hashlib.sha256(content).hexdigest(), read_json(Path(paths[1]))[0])
    except Unreadable as error:
        sys.stderr.write(f"cannot be read: {error}\n")
        return UNREADABLE
    except (LookupError, TypeError, ValueError, AttributeError, OSError) as error:
        sys.stderr.write(f"cannot be read: {paths[0]}: {type(error).__name__}: {error}\n")
        return UNREADABLE
    check.run()
    if check.refusals:
        more = len(check.refusals) - MOST_LINES
        for reason in check.refusals[:MOST_LINES]:
            # A name must not be able to write lines of its own.
            sys.stdout.write(f"refused: {''.join(c if c.isprintable() else '?' for c in reason)}\n")
        if more > 0:
            sys.stdout.write(f"refused: ... and {more} more reasons\n")
        return REFUSED
    for words in check.words:
        sys.stdout.write(f"{words}\n")
    sys.stdout.write("Not looked at: the baselines (random, greedy), the price of the order, the wording of details.\n")
    sys.stdout.write("Proven.\n")
    return PROVEN
