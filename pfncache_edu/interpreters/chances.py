"""How likely a random run is to go wrong, exactly: the mass of probability is pushed through the graph of states.

    print(chance(program))          0.31 % of all random runs go wrong, 1 in 321

The dice are those of `random_runs`: before each step, each thread that can run is equally likely to be chosen. All the
probability is in the first state at the beginning. In each round every state hands what it has to the states behind it,
in equal parts; what arrives in a failure stays there. No run is drawn, so there is no error of sampling. Where a loop can
go round for ever, some mass is on its way after any number of rounds: it is given up when it is too small to matter,
and told as `left`.
"""
from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import ceil, log, log1p

from ..program import Program
from .evidence import broken_invariant
from .explorer import Search

NEGLIGIBLE = 1e-12


@dataclass(frozen=True)
class Chance:
    """What a random run comes to.

    fails    the probability that it breaks a property, by the property's name; a deadlock counts as "no_deadlock",
             a run that can reach no end any more as "no_endless_loop"
    left     the probability that it was still going when we stopped counting: by so much `wrong` may be too small
    orders   how many different runs there are from start to end or failure, None if there is no limit to their number
    states   how many states the runs pass
    """
    fails: dict[str, float]
    left: float
    orders: int | None
    states: int

    @property
    def wrong(self) -> float:
        """The probability that a random run goes wrong, from 0 to 1."""
        return sum(self.fails.values())

    def runs_needed(self, confidence: float = 0.95) -> int | None:
        """How many random runs it takes to see at least one failure with this probability; None if none ever fails."""
        if not 0 < confidence < 1:
            raise ValueError(f"confidence={confidence!r}: write a number between 0 and 1, such as 0.95")
        if self.wrong >= 1:
            return 1
        return ceil(log(1 - confidence) / log1p(-self.wrong)) if self.wrong else None

    def __str__(self):
        if not self.wrong:
            return "no random run goes wrong"
        share = f"{100 * self.wrong:.2g} % of all random runs go wrong"
        return f"{share}, 1 in {1 / self.wrong:,.0f}" if self.wrong < 0.1 else share


def chance(program: Program, max_states: int = 200_000) -> Chance:
    """The probability that a random run of the program goes wrong, and in which way. ValueError if it is too large."""
    search = Search(program, max_states)
    fails: Counter = Counter()
    with search.searching():
        after = graph(search, max_states)
        mass = {0: 1.0}
        while (left := sum(mass.values())) > NEGLIGIBLE:
            mass = pushed(mass, after, fails)
    return Chance(dict(sorted(fails.items())), left, orders(after), len(after))


def graph(search: Search, max_states: int) -> dict[int, list]:
    """For each state that a run can pass, what each thread that can run leads to: a state, or the name of what it breaks."""
    after: dict[int, list] = {}
    ahead = [0]
    for state in ahead:
        if state in after:
            continue
        if len(after) >= max_states:
            raise ValueError(f"{search.program.name} has more than {max_states:,} states: take fewer threads or caches, or draw random_runs()")
        after[state] = ways = choices(search, state)
        ahead += [way for way in ways if isinstance(way, int)]
    return after | dict.fromkeys(without_end(after), ["no_endless_loop"])


def without_end(after: dict[int, list]) -> set[int]:
    """The states from which no way leads to an end or to a failure."""
    before: dict[int, list[int]] = {}
    ends = []
    for state, ways in after.items():
        states = [way for way in ways if isinstance(way, int)]
        for way in states:
            before.setdefault(way, []).append(state)
        if len(states) < max(len(ways), 1):
            ends.append(state)
    good = set(ends)
    for state in ends:
        for earlier in before.get(state, ()):
            if earlier not in good:
                good.add(earlier)
                ends.append(earlier)
    return after.keys() - good


def choices(search: Search, state: int) -> list:
    """What a random run may do next: a state or a failure for each thread that can run; the failure that the state is."""
    broken = broken_invariant(search, state)
    if broken:
        return [broken]
    rows = [role.rows[state & role.slot.mask] for role in search.roles]
    ways = [row.wrong[state & row.mask].property if state & row.mask in row.wrong else state + d
            for row in rows if (d := row[state & row.mask]) or state & row.mask in row.wrong]
    stuck = not ways and any(row.node.step is not None for row in rows)
    return ["no_deadlock"] if stuck else ways


def pushed(mass: dict[int, float], after: dict[int, list], fails: Counter) -> dict[int, float]:
    """The mass one step later; what fails is added to `fails`, what is done is gone."""
    later: dict[int, float] = {}
    for state, here in mass.items():
        ways = after[state]
        for way in ways:
            if isinstance(way, int):
                later[way] = later.get(way, 0.0) + here / len(ways)
            else:
                fails[way] += here / len(ways)
    return later


def orders(after: dict[int, list]) -> int | None:
    """How many ways lead from the start to an end or a failure; None if a loop makes their number infinite."""
    counted: dict[int, int] = {}
    open_: set[int] = set()
    ahead = [0]
    while ahead:
        state = ahead[-1]
        if state in counted:
            ahead.pop()
        elif state in open_:
            counted[state] = sum(counted[way] if isinstance(way, int) else 1 for way in after[state]) or 1
            open_.remove(state)
        else:
            open_.add(state)
            states = [way for way in after[state] if isinstance(way, int)]
            if open_.intersection(states):
                return None
            ahead += [way for way in states if way not in counted]
    return counted[0]
