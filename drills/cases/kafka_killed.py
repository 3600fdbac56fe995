"""The broker dies, and ZooKeeper: the producer keeps what is not acknowledged and sends it again, the consumer waits."""

from drills.drill import Change, Control, Drill, Size
from drills.world import World

RATE = 1500
PRODUCER = "kafka_scripts/producer.py"


def run(world: World, size: Size) -> None:
    traffic = world.produce(RATE)
    world.start("consumer")
    for number in range(size.times):
        world.hold_for(size.seconds)
        victim = world.bench.zookeeper if number % 3 == 2 else world.bench.kafka
        with world.broken():
            victim.kill()
    world.hold_for(size.seconds)
    traffic.stop()


DRILL = Drill(
    number=6,
    name="kafka-killed",
    broken="SIGKILL of Kafka (two of three) or of ZooKeeper",
    run=run,
    full=Size(0, 15, 3),
    quick=Size(0, 3, 3),
    control=Control(
        "acknowledgements: the producer takes what it has sent for stored",
        (Change(PRODUCER, '"acks": "all"', '"acks": 0'), Change(PRODUCER, '"enable_idempotence": True', '"enable_idempotence": False')),
    ),
)
