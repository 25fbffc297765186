#!/usr/bin/env python3
"""Serves texts beside llama.cpp's server: the same shapes, threads and machine, in turn in one run.

  serve.py --llama.cpp BUILD --models FOLDER [--out FILE.md] [options]

BUILD is a build folder of llama.cpp with llama-server and llama-quantize, as for compare.py. Rows:

  N clients   tokens per second of N texts at a time, by a random model of a shape (shape_rows.py)
  prefix      milliseconds to the first token of a prompt whose beginning was read before
  free        tokens per second of one text at a time, by the chat model of this repository
              (text_rows.py)
  repeats     the same of texts that repeat what is in their prompt
  drafts      the same with guesses from the text so far
  schema      the same of JSON texts of a schema
  regex       the same of texts that a regular expression matches

Both sides take ids, choose greedily, and ignore end markers where no constraint is. Each round runs
every row once on each side; figures are medians over the rounds.
"""

import argparse
import datetime
import os
import pathlib
import sys

import compare
import shape_rows
import text_rows


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--llama.cpp", dest="build", type=pathlib.Path, required=True)
    parser.add_argument("--models", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, help="the report, also on standard output")
    parser.add_argument("--shape", default="1024x8x2752x64000")
    known = [*shape_rows.ROWS, *text_rows.ROWS]
    split = lambda text: text.split(",")
    parser.add_argument("--rows", type=split, default=known, help=",".join(known))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--baichuan", type=pathlib.Path, default=compare.ROOT / "baichuan")
    options = parser.parse_args()
    for row in options.rows:
        if row not in known:
            parser.error(f"--rows has value {row}, expected {','.join(known)}")
    options.models.mkdir(parents=True, exist_ok=True)
    asked = {
        kind: [row for row in options.rows if row in kind.ROWS] for kind in (shape_rows, text_rows)
    }
    asked = {kind: rows for kind, rows in asked.items() if rows}
    sides = {kind: kind.sides(options) for kind in asked}
    results = {}
    for number in range(options.rounds):
        for kind, rows in asked.items():
            for row in rows:
                for name, side in sides[kind].items():
                    print(f"round {number + 1}: {row} {name}", file=sys.stderr)
                    results.setdefault((row, name), []).append(side.measure(row))
    commit = compare.output_of(["git", "-C", compare.ROOT, "describe", "--always", "--dirty"])
    lines = [
        "# Beside llama.cpp's server",
        "",
        f"int4 beside q4_0, {options.threads} threads, {datetime.date.today()}, load average "
        f"{os.getloadavg()[0]:.1f} at the end; baichuan4j {commit.strip()}; medians of {options.rounds} rounds. "
        f"The shape is `{options.shape}`.",
    ]
    for kind, rows in asked.items():
        lines += ["", *kind.table(rows, results)]
    report = "\n".join(lines) + "\n"
    print(report)
    if options.out:
        options.out.write_text(report)


if __name__ == "__main__":
    main()
