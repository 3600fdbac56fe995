"""A live socket's conversation: one message at a time, and an end for who does not read."""

import asyncio

import pytest

from analytics import live_conversation
from analytics.live_slot import Message, Slot


class Browser:
    """Remembers what was sent to it."""

    def __init__(self) -> None:
        self.got: list[dict] = []
        self.came = asyncio.Event()

    async def send(self, message: dict) -> None:
        self.got.append(message)
        self.came.set()

    async def next(self) -> dict:
        await asyncio.wait_for(self.came.wait(), 5)
        self.came.clear()
        return self.got[-1]


def talk(story) -> None:
    """Runs ``story(slot, conversation, browser)`` beside the conversation's feed."""

    async def run() -> None:
        slot, browser = Slot("demo"), Browser()
        conversation = live_conversation.Conversation(browser.send, slot)
        feeder = asyncio.create_task(conversation.feed())
        try:
            await story(slot, conversation, browser)
        finally:
            feeder.cancel()

    asyncio.run(run())


def test_the_next_message_waits_for_the_ack():
    async def story(slot, conversation, browser) -> None:
        slot.put(Message("k1", "one"))
        assert (await browser.next())["text"] == "one"
        for number in range(100):
            slot.put(Message(f"k{number}", f"later {number}"))
            await asyncio.sleep(0)
        assert len(browser.got) == 1
        await conversation.hear('{"ack": "another"}')
        await asyncio.sleep(0)
        assert len(browser.got) == 1
        await conversation.hear('{"ack": "k1"}')
        assert (await browser.next())["text"] == "later 99"

    talk(story)


def test_who_never_reads_is_closed(monkeypatch):
    monkeypatch.setattr(live_conversation, "ACK_SECONDS", 0.05)

    async def story(slot, conversation, browser) -> None:
        slot.put(Message("k1", "one"))
        await browser.next()
        assert await browser.next() == {"type": "websocket.close", "code": live_conversation.NOT_READING}

    talk(story)


@pytest.mark.parametrize(
    ("said", "code"), [("x" * 2000, 4409), ("not json", 4400), ('{"ack": 7}', 4400), ('{"other": 1}', 4400), (b"\xff", 4400)]
)
def test_who_says_nonsense_is_closed(said, code):
    async def story(slot, conversation, browser) -> None:
        await conversation.hear(said)
        assert await browser.next() == {"type": "websocket.close", "code": code}

    talk(story)
