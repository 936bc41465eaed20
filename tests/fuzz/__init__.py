"""Whatever parses a peer's bytes against any bytes at all.

Each target is a module with one function, `fuzz`, which raises for a finding and for nothing else.
`corpus/` has what each begins with, and every input that was a finding once; tests/unit replays it.
"""
