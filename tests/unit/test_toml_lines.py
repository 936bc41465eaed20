"""Where the keys of a TOML text stand, however it is written."""

from __future__ import annotations

import tomllib

from henbd.toml_lines import line_of, line_table

LINES = '''# [no] = 1
top = 1
a.b = "x" # c = 1

[s]   # [t]
"quoted key" = """
[u]
v = 1
w\\""""""
array = [ # first
  "x, ]", # = 2

  ["inner",
   "list"],
  {t = [1, 2], u = 3}, 4.5,
]
empty = []
[ t . u ]
v . "w" = \'\'\'
x = 1\'\'\'\'
date = 2026-01-01 12:00:00
[[many]]
k=1
'''


def test_lines_of_all_ways_to_write_a_key() -> None:
    tomllib.loads(LINES)
    assert line_table(LINES) == {
        "top": 2,
        "a.b": 3,
        "s": 5,
        "s.quoted key": 6,
        "s.array": 10,
        "s.array[0]": 11,
        "s.array[1]": 13,
        "s.array[2]": 15,
        "s.array[3]": 15,
        "s.empty": 17,
        "t.u": 18,
        "t.u.v.w": 19,
        "t.u.date": 21,
        "many": 22,
        "many.k": 23,
    }


def test_lines_do_not_depend_on_how_they_end() -> None:
    assert line_table(LINES.replace("\n", "\r\n")) == line_table(LINES)


def test_what_has_no_line_has_that_of_what_it_is_in() -> None:
    lines = {"s": 1, "s.a": 2}
    assert line_of("s.a[3]", lines) == 2
    assert line_of("s.b", lines) == 1
    assert line_of("t.b[1]", lines) == 0
