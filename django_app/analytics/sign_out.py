"""Ending sessions: one, or all of a user, in every browser and on every open socket of every process."""

import logging
from typing import Any

import redis
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models.signals import post_delete, post_save, pre_save

from analytics import notice_feed, sessions

log = logging.getLogger(__name__)


def tell(kind: str, **fields: Any) -> None:
    """Tells every process at once; where Redis is away, each finds out itself within live_hub.SESSIONS_SECONDS."""
    try:
        async_to_sync(notice_feed.tell)(kind, **fields)
    except (redis.RedisError, OSError) as error:
        log.warning("a session is over; open pages learn it a little later, Redis is away: %s", error)


def session(key: str) -> None:
    """Closes the sockets of a session that is over."""
    tell("session.over", session=key)


def user(user_id: int) -> None:
    """Ends every session of the user and closes their sockets."""
    sessions.end_all(user_id)
    transaction.on_commit(lambda: tell("user.over", user_id=user_id))


def watch_users() -> None:
    """From now on a user who is deleted, deactivated or given another password is signed out everywhere."""
    model = get_user_model()
    pre_save.connect(_remember, sender=model, dispatch_uid="remember-user")
    post_save.connect(_after_save, sender=model, dispatch_uid="end-sessions")
    post_delete.connect(lambda instance, **_: user(instance.pk), sender=model, weak=False, dispatch_uid="end-sessions-deleted")


def _remember(instance: Any, **_: Any) -> None:
    before = type(instance).objects.filter(pk=instance.pk).values("is_active", "password").first() if instance.pk else None
    instance._before = before


def _after_save(instance: Any, **_: Any) -> None:
    before = getattr(instance, "_before", None)
    if before and (not instance.is_active or before["password"] != instance.password):
        user(instance.pk)
