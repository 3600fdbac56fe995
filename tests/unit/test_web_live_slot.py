"""A socket's slot holds one message, the newest."""

import asyncio

from analytics.live_slot import Message, Reader, Slot


def test_a_slow_reader_gets_the_newest_and_skips_what_came_between():
    async def read() -> list[str]:
        slot = Slot("demo")
        for number in range(1000):
            slot.put(Message(f"key{number}", f"text{number}"))
        first = await slot.take()
        slot.put(Message("last", "last"))
        return [first.text, (await slot.take()).text]

    assert asyncio.run(read()) == ["text999", "last"]


def test_a_reader_waits_for_a_message():
    async def read() -> str:
        slot = Slot("demo")
        waiting = asyncio.create_task(slot.take())
        await asyncio.sleep(0)
        assert not waiting.done()
        slot.put(Message("key", "text"))
        return (await waiting).text

    assert asyncio.run(read()) == "text"


def test_nothing_comes_after_the_session_ended():
    async def read() -> Message | None:
        slot = Slot("demo", Reader("s"))
        slot.put(Message("key", "text"))
        slot.end()
        return await slot.take()

    assert asyncio.run(read()) is None


def test_notices_come_before_the_snapshot_and_only_the_newest_of_a_kind():
    async def read() -> list[str]:
        slot = Slot("demo")
        slot.put(Message("key", "snapshot"))
        for number in range(1000):
            slot.notify("alert", Message("key", f"alert {number}"))
        slot.notify("rebuild", Message("key", "rebuild"))
        return [(await slot.take()).text for _ in range(3)]

    assert asyncio.run(read()) == ["alert 999", "rebuild", "snapshot"]
