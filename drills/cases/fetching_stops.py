"""The Kafka client fetches nothing more, without an error and without an end: the consumer notices and goes on with a new one."""

import signal

from drills.controls import MEMBER
from drills.drill import Change, Control, Drill, Size
from drills.errors import DrillFailed
from drills.traffic import records, shop_days
from drills.world import World

RATE = 1000
STOPS_AT_A_SIGNAL = (
    Change(
        MEMBER,
        "        self.servers.meanwhile = self.stay\n",
        "        self.servers.meanwhile = self.stay\n"
        '        signal.signal(signal.SIGUSR1, lambda *_: setattr(self.kafka._fetcher, "send_fetches", lambda: None))\n',
    ),
    Change(MEMBER, "import socket\n", "import signal\nimport socket\n"),
)


def run(world: World, size: Size) -> None:
    traffic = world.send(records(shop_days()), rate=RATE)
    consumer = world.start("consumer")
    try:
        for _ in range(size.times):
            world.wait_applied((world.applied() or 0) + 2 * RATE)
            with world.broken():
                consumer.process.send_signal(signal.SIGUSR1)
                world.wait_stalled()
        traffic.stop()
        world.wait_quiet()
    except DrillFailed as why:
        world.differences.append(str(why).splitlines()[0])
        traffic.stop()
        traffic.join()
    world.notes.append(f"{consumer.said('joining the group with a new client')} times the consumer took a new client")


DRILL = Drill(
    number=17,
    name="fetching-stops",
    broken="the Kafka client stops fetching, without an error",
    run=run,
    full=Size(0, 5),
    quick=Size(0, 1),
    lane="waiting",
    fault=STOPS_AT_A_SIGNAL,
    waits_for_quiet=False,
    control=Control("the look whether records wait", (Change("ecommerce/stall_watch.py", "LOOKS = 3\n", "LOOKS = 10**9\n"),)),
)
