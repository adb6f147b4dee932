"""One opinion from several: a majority that a missing vote cannot overturn."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_ragtune.records import Support


def combine(opinions: Sequence[Support], voters: str, *, by_vote: bool = False) -> Support:
    """One opinion from those given, provided that those missing could not change the majority.

    A probability of 0.5 or more is a vote for, a lower one a vote against. The result is None when a vote is
    missing and those given hold no majority of all; else the mean of the probabilities given, or the share of
    votes for.

    Args:
        opinions: at least one.
        voters: what voted, in the plural, for the reason.
        by_vote: True for the share of votes for, which is at least 0.5 exactly when the majority is for.
    """
    if len(opinions) == 1:
        return opinions[0]
    known = [o.probability for o in opinions if o.probability is not None]
    missing = [o.reason for o in opinions if o.probability is None]
    votes_for = sum(p >= 0.5 for p in known)
    most = max(votes_for, len(known) - votes_for)
    if missing and 2 * most <= len(opinions):
        return Support(None, f"{len(missing)} of {len(opinions)} {voters} gave no opinion: {missing[0]}")
    absent = f", {len(missing)} gave none" if missing else ""
    value = votes_for / len(known) if by_vote else sum(known) / len(known)
    return Support(value, f"{most} of {len(opinions)} {voters} agree{absent}")
