"""How soon, how small: each figure beside a limit that was measured in the same run.

    make bench                                        all of it, as in RESULTS.md
    python -m tests.bench --trials 20 address call    some of it, quickly

Absolute times say little on a machine that others use too; so each trial of henbd has a trial next
to it of the least that anybody could do: prepared bytes out of a plain socket.
"""
