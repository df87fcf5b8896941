# SPDX-License-Identifier: BSD-2-Clause
"""What happens in the lab: port 25 is closed, excepted, opened and closed again, while everybody sends mail."""
import collections
import datetime
import os
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

from client import bot_run, session, until_open
from table import PORTS
from world import PROVIDERS, SUBSCRIBERS

BOT_ATTEMPTS = 500
REASON = "runs a mail server for the parish, asked by telephone"


def everybody_sends(world, hosts):
    """One message from each subscriber by each port and family; the outcomes in that order."""
    jobs = [(s, f, p) for s in SUBSCRIBERS for f in ("v4", "v6") for p in PORTS]
    with ThreadPoolExecutor(2 * (os.cpu_count() or 1)) as pool:
        return list(pool.map(lambda j: session(world, hosts, *j), jobs))


class Story:
    def __init__(self, world, box, hosts, voice):
        self.world, self.box, self.hosts, self.voice = world, box, hosts, voice
        self.stages, self.figures = [], {}

    def stage(self, title, sentence):
        """Everybody sends, as things stand now."""
        self.voice.say(f"{len(self.stages) + 1}. {sentence}")
        outcomes = everybody_sends(self.world, self.hosts)
        self.stages.append((title, outcomes))
        counts = collections.Counter(o.result for o in outcomes)
        self.voice.say(f"   {len(outcomes)} messages: " + ", ".join(f"{n} {what}" for what, n in sorted(counts.items())) + ".")
        for o in outcomes:
            if o.result == "failed":
                self.voice.say(f"   {o.who} {o.family} port {o.port} failed: {o.said}")

    def same_as_before(self):
        """Did the last two stages end alike for everybody?"""
        (_, a), (_, b) = self.stages[-2:]
        return [o.result for o in a] == [o.result for o in b]

    def timed(self, *verb):
        """Run a verb; milliseconds from before its start to after its end."""
        start = time.perf_counter()
        self.box.porteiro(*verb)
        return 1000 * (time.perf_counter() - start)

    def tell(self):
        self.before()
        self.closed()
        self.exception()
        self.daemon_dead()
        self.opened()
        self.resumed()
        self.bot()
        return self.result()

    def before(self):
        self.stage("before", "Before: porteirod runs, no plan is in force.")

    def closed(self):
        ms = self.timed("apply", self.box.plan)
        self.figures["apply_ms"] = ms
        self.stage("closed", f"porteiro apply plan.yaml: in force after {ms:.0f} ms.")
        self.figures["refusal_ms"] = statistics.median(o.ms for o in self.stages[-1][1] if o.result == "refused")

    def exception(self):
        """One home is excepted, by IPv4 with the command and by IPv6 through the API; knocking all the
        while shows when it takes effect."""
        ana, server = SUBSCRIBERS[0], PROVIDERS[0]
        until = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=180)).strftime("%Y-%m-%dT%H:%M:%SZ")
        opened = until_open(self.world, ana.name, server.v4, 25)
        start = time.perf_counter()
        self.box.porteiro("exception", "add", ana.v4, "--reason", REASON, "--until", until)
        self.figures["exception_ms"] = 1000 * (opened() - start)
        opened = until_open(self.world, ana.name, server.v6, 25)
        start = self.box.api("POST", "/v1/exceptions", {"prefix": ana.v6, "reason": REASON, "until": until})
        self.figures["exception_api_ms"] = 1000 * (opened() - start)
        self.stage("exception", f"porteiro exception add {ana.v4}: port 25 opens {self.figures['exception_ms']:.0f} ms after the "
                   f"command's start;\n   for {ana.v6} by the API: {self.figures['exception_api_ms']:.1f} ms after the call.")

    def daemon_dead(self):
        count = self.box.kill()
        self.figures["killed"] = count
        self.stage("daemon dead", f"kill -9 to all {count} processes of porteirod.")
        self.voice.say("   Nothing changed." if self.same_as_before() else "   That changed something, which it must not!")

    def opened(self):
        bento = SUBSCRIBERS[1]
        opened = until_open(self.world, bento.name, PROVIDERS[0].v4, 25)
        start = time.perf_counter()
        self.box.porteiro("open", "--all", "--config", self.box.conf, "--reason", "a look at what happens")
        self.figures["open_ms"] = 1000 * (opened() - start)
        self.stage("open --all", f"porteiro open --all, the daemon still dead: open {self.figures['open_ms']:.0f} ms later.")

    def resumed(self):
        self.box.start()
        still = all(session(self.world, self.hosts, s, "v4", 25).result == "delivered" for s in SUBSCRIBERS)
        self.figures["open_after_restart"] = still
        self.voice.say("   porteirod is started again: everything " + ("is still open." if still else "should still be open, and is not!"))
        ms = self.timed("resume", "--config", self.box.conf, "--reason", "seen enough")
        self.figures["resume_ms"] = ms
        self.stage("resume", f"porteiro resume: the plan is in force again after {ms:.0f} ms.")

    def bot(self):
        carla = SUBSCRIBERS[3]
        self.voice.say(f"{len(self.stages) + 1}. The bot at {carla.label.split(',')[0]}'s tries {BOT_ATTEMPTS} times to reach port 25.")
        before = self.box.refused()
        ends = bot_run(self.world, carla.name, BOT_ATTEMPTS)
        counted = self.box.refused() - before
        self.figures["bot"] = {"attempts": BOT_ATTEMPTS, "ends": ends, "counted": counted}
        self.voice.say(f"   It got through {ends.get('open', 0)} times, was refused {ends.get('refused', 0)} times; "
                       f"porteiro counters: {counted} refused.")

    def result(self):
        return {
            "lab": self.world.name,
            "stages": [{"stage": title, "sessions": [o.json() for o in outcomes]} for title, outcomes in self.stages],
            "figures": self.figures,
        }
