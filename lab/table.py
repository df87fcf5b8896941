# SPDX-License-Identifier: BSD-2-Clause
"""How the lab speaks: progress lines, and the table of who reached which port at which stage."""
import sys

from world import SUBSCRIBERS

PORTS = (25, 465, 587)
COLOURS = {"delivered": "32", "refused": "31"}


class Voice:
    """Lines for a person. Colour only on a terminal; silent when the answer is JSON."""

    def __init__(self, quiet=False, out=sys.stdout):
        self.quiet, self.out, self.colour = quiet, out, out.isatty()

    def say(self, text=""):
        if not self.quiet:
            print(text, file=self.out, flush=True)

    def paint(self, text, code):
        return f"\033[{code}m{text}\033[0m" if self.colour and code else text


def cell(outcomes):
    """One cell from the outcomes by IPv4 and IPv6: one word when they agree, both when not."""
    def words(o):
        return f"refused {o.ms:.1f} ms" if o.result == "refused" else o.result

    if len({o.result for o in outcomes}) == 1:
        slowest = max(outcomes, key=lambda o: o.ms)
        return words(slowest), COLOURS.get(slowest.result, "33")
    return ", ".join(f"{o.family} {words(o)}" for o in outcomes), "33"


def table(voice, stages):
    """Rows: subscriber and port; columns: stages. `stages` is a list of (title, outcomes)."""
    grid = []
    for s in SUBSCRIBERS:
        for port in PORTS:
            cells = [cell([o for o in outcomes if o.who == s.name and o.port == port]) for _, outcomes in stages]
            grid.append((s.label if port == PORTS[0] else "", str(port), cells))
    left = max(len(s.label) for s in SUBSCRIBERS)
    widths = [max([len(title)] + [len(row[2][i][0]) for row in grid]) for i, (title, _) in enumerate(stages)]
    voice.say(f"{'':{left}}  port  " + "  ".join(f"{t:{w}}" for (t, _), w in zip(stages, widths)).rstrip())
    for label, port, cells in grid:
        if label and port == "25":
            voice.say()
        line = "  ".join(voice.paint(text, code) + " " * (w - len(text)) for (text, code), w in zip(cells, widths))
        voice.say(f"{label:{left}}  {port:>4}  {line.rstrip()}")
    voice.say()
