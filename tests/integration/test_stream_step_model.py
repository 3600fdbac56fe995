"""The atomic step against a model: crashes between any two steps, errors at any call inside the script, stale writers, copies.

A Hypothesis state machine drives real writers on a real Redis. The state must be the model's after every rule, or say
of itself that it is torn. Three negative controls, each with one guarantee switched off, must be seen to fail.
"""

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule, run_state_machine_as_test
from redis import Redis
from redis.exceptions import ResponseError
from shop_events import SHOP, event, purchase

from ecommerce.events import Reason
from ecommerce.live import Accepted, Batch, LiveWriter, Moved, Origin, Refusal, Stale, Torn, new_generation
from ecommerce.live.writer import _LUA

pytestmark = pytest.mark.servers

ORIGIN = Origin("cluster", "shop.events", "topic-1")
PARTITIONS = 2
APPLY = _LUA["apply"]
COUNTED = """local calls = 0
local function call(...)
  calls = calls + 1
  if calls == tonumber(ARGV[2]) then return redis.error_reply('injected') end
  return redis.call(...)
end
"""
"""``redis.call`` that fails at the n-th call, as a command that Redis refuses does."""

WITHOUT = {
    "order of writes": [
        ("redis.call('HSET', r.partition, 'torn', r.first)\n", "redis.call('HSET', r.partition, 'next', r.next)\n"),
        ("redis.call('HSET', r.partition, 'next', r.next, 'torn', '')\n", ""),
    ],
    "dedupe": [("if #ids > 0 or #transactions > 0 then return {'known', ids, transactions} end", "")],
    "epoch": [("if stored[1] ~= r.writer then return {'stale'} end", ""), ("if stored[2] ~= r.first", "if false")],
}


def script(*changes: tuple[str, str]) -> str:
    """apply.lua with calls that can be made to fail, and with ``changes``."""
    text = APPLY
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    body = text.replace("redis.call(", "call(").replace("redis.replicate_commands()\n", "redis.replicate_commands()\n" + COUNTED)
    # An error reply that a call returns ends the script there, as an error that is raised does.
    return body.replace("return redis.error_reply('injected')", "error('injected')").replace(
        "  return call(...)\nend", "  return redis.call(...)\nend"
    )


class Model:
    """What must be counted, written down plainly: one record after the other."""

    def __init__(self):
        self.next = [0] * PARTITIONS
        self.tops = [None] * PARTITIONS
        self.seen, self.orders = set(), {}
        self.sums = Counter()

    def apply(self, number, records):
        for one in records:
            self.next[number] += 1
            if isinstance(one, str):
                self.sums[one, "received"] += 1
                self.sums[one, "refused:bad_type"] += 1
                continue
            day = SHOP.day_of(one.event_time).isoformat()
            self.sums[day, "received"] += 1
            self.sums[day, self.verdict(number, one)] += 1

    def verdict(self, number, one):
        top = self.tops[number]
        if top is not None and top - one.event_time > timedelta(hours=48):
            return "late"
        if one.event_id in self.seen:
            return "duplicates"
        if one.transaction_id in self.orders:
            return "refused:duplicate_order"
        self.seen.add(one.event_id)
        self.tops[number] = max(top or one.event_time, one.event_time)
        day = SHOP.day_of(one.event_time).isoformat()
        self.sums[day, "events"] += 1
        self.sums[day, f"country:{one.country}"] += 1
        if one.event_name == "purchase":
            self.orders[one.transaction_id] = one.event_id
            self.sums[day, "orders"] += 1
            self.sums[day, "gross_revenue"] += 200_000
        return "counted"


class Machine(RuleBasedStateMachine):
    """Two writers, two partitions; ``client`` and ``text`` (of the script) are set by the test."""

    client: Redis
    text = ""
    writers = Bundle("writers")

    @initialize(target=writers)
    def begin(self):
        self.client.flushdb()
        self.logs = [[] for _ in range(PARTITIONS)]
        self.model = Model()
        self.step = self.client.register_script(self.text)
        self.torn = False
        return multiple(*(self.claimed(number) for number in range(PARTITIONS)))

    def claimed(self, number):
        writer = LiveWriter(self.client, ORIGIN, {"demo": SHOP})
        self.fail_at = 0
        writer._apply = lambda args: self.step(args=[*args, self.fail_at])
        return writer, writer.claim(number, 0)

    # -- the log -------------------------------------------------------------------------------------

    @rule(number=st.integers(0, PARTITIONS - 1), hours=st.lists(st.integers(0, 40), min_size=1, max_size=4), data=st.data())
    def produce(self, number, hours, data):
        for hour in hours:
            kind = data.draw(st.sampled_from(["view", "order", "copy", "again", "refused", "leap"]))
            known = [one for one in self.logs[number] if not isinstance(one, str)]
            orders = [one for log in self.logs for one in log if not isinstance(one, str) and one.transaction_id]
            if kind == "refused":
                self.logs[number].append("2026-06-01")
            elif kind == "copy" and known:
                self.logs[number].append(data.draw(st.sampled_from(known)))
            elif kind == "again" and orders:
                self.logs[number].append(purchase(data.draw(st.sampled_from(orders)).transaction_id, minutes=60 * hour))
            elif kind == "order":
                self.logs[number].append(purchase(f"T{sum(map(len, self.logs))}", minutes=60 * hour))
            else:
                self.logs[number].append(event(minutes=60 * (120 if kind == "leap" else hour), country="DE" if hour % 2 else "FR"))

    # -- writers -------------------------------------------------------------------------------------

    @rule(target=writers, number=st.integers(0, PARTITIONS - 1))
    def rebalance(self, number):
        """A new writer takes the partition; the one before does not know it."""
        try:
            return self.claimed(number)
        except Torn:
            self.torn = True
            return multiple()

    @rule(pair=writers, size=st.integers(1, 5))
    def apply(self, pair, size):
        self.attempt(pair, size)

    @rule(pair=writers, size=st.integers(1, 5))
    def apply_and_lose_the_answer(self, pair, size):
        """Redis is gone after the step: the writer tries the same batch again."""
        _, claim = pair
        before = claim.next, dict(claim.watermarks)
        if self.attempt(pair, size):
            claim.next, claim.watermarks = before
            self.attempt(pair, size)

    @rule(pair=consumes(writers), size=st.integers(1, 5))
    def apply_and_die(self, pair, size):
        self.attempt(pair, size)

    @rule(pair=writers, size=st.integers(1, 5), call=st.integers(1, 90))
    def fail_inside(self, pair, size, call):
        self.fail_at = call
        self.attempt(pair, size)
        self.fail_at = 0

    def attempt(self, pair, size) -> bool:
        writer, claim = pair
        number, first = claim.partition, claim.next
        records = self.logs[number][first : first + size]
        if not records:
            return False
        accepted = [Accepted(first + place, one) for place, one in enumerate(records) if not isinstance(one, str)]
        refused = [Refusal(first + p, Reason.BAD_TYPE, "", "demo", one) for p, one in enumerate(records) if isinstance(one, str)]
        try:
            writer.apply(claim, Batch(number, first, first + len(records), accepted, refused), lambda found: None)
        except Torn:
            self.torn = True
            return False
        except (Stale, Moved):
            return False
        except ResponseError as error:
            if "injected" not in str(error):
                raise
            return False
        finally:
            self.follow(number)
        return True

    def follow(self, number):
        """The model takes what the stored offset says was counted, in the order in which the steps were."""
        stored = int(self.client.hget(f"live:{self.generation()}:partition:{number}", "next") or 0)
        self.model.apply(number, self.logs[number][self.model.next[number] : stored])

    @rule(target=writers)
    def rebuild(self):
        """An empty generation, counted from the log's beginning by new writers."""
        new_generation(self.client)
        self.model, self.torn = Model(), False
        return multiple(*(self.claimed(number) for number in range(PARTITIONS)))

    # -- what must hold ------------------------------------------------------------------------------

    def generation(self) -> int:
        return int(self.client.hget("live:header", "generation") or 1)

    def marked(self) -> bool:
        return any(self.client.hget(f"live:{self.generation()}:partition:{number}", "torn") for number in range(PARTITIONS))

    @invariant()
    def the_state_is_the_models_or_says_that_it_is_torn(self):
        if not hasattr(self, "model") or self.marked():
            return
        assert not self.torn
        found = Counter()
        root = f"live:{self.generation()}:"
        for key in self.client.scan_iter(f"{root}day:demo:*"):
            day = key.decode().rpartition(":")[2]
            for name, value in self.client.hgetall(key).items():
                if name.decode() in NAMES or name.startswith(b"refused:"):
                    found[day, name.decode()] = int(value)
            for name, value in self.client.hgetall(f"{root}breakdown:country:demo:{day}").items():
                if name.startswith(b"events:"):
                    country = name.decode().removeprefix("events:")
                    found[day, f"country:{None if country == '(not set)' else country}"] = int(value)
        assert +found == +self.model.sums
        minutes = sum(int(self.client.hget(key, "events") or 0) for key in self.client.scan_iter(f"{root}minute:*"))
        assert minutes == sum(count for (_, name), count in self.model.sums.items() if name == "events")
        ids = set().union(*(self.client.smembers(key) for key in self.client.scan_iter(f"{root}seen:*")))
        assert ids == {bytes.fromhex(one.replace("-", "")) for one in self.model.seen}


NAMES = {"received", "counted", "duplicates", "late", "events", "orders", "gross_revenue"}
RUN = settings(
    max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck), print_blob=False, database=None
)


@pytest.fixture
def client(redis_server):
    made = Redis(**redis_server.redis_options, db=1)
    yield made
    made.flushdb()
    made.close()


def machine(client, *changes):
    return type("Machine", (Machine,), {"client": client, "text": script(*changes), "__doc__": Machine.__doc__})


def test_the_state_is_the_models_whatever_fails(client):
    run_state_machine_as_test(machine(client), settings=RUN)


@pytest.mark.parametrize("guarantee", WITHOUT)
def test_without_the_guarantee_it_is_seen_to_fail(client, guarantee):
    """Negative controls: the machine finds what each guarantee is for."""
    with pytest.raises(AssertionError):
        run_state_machine_as_test(machine(client, *WITHOUT[guarantee]), settings=settings(RUN, max_examples=200, phases=[Phase.generate]))


def test_an_error_at_each_call_leaves_the_state_whole_or_marked(client):
    """Every call of a step with all kinds of events, one after the other."""
    for call in range(1, 200):
        client.flushdb()
        run = machine(client)()
        run.begin()
        pair = run.claimed(0)
        run.logs[0] += [event(country="DE"), purchase("T1"), event("add_to_cart"), "2026-06-01", event("refund", minutes=61)]
        run.fail_at = call
        applied = run.attempt(pair, 5)
        run.fail_at = 0
        run.the_state_is_the_models_or_says_that_it_is_torn()
        if applied:
            break
        if run.marked():
            with pytest.raises(Torn):
                run.claimed(0)
        else:
            assert run.attempt(pair, 5)
            run.the_state_is_the_models_or_says_that_it_is_torn()
    assert 60 < call < 199
