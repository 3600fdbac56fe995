"""Redis' users, as the lines of its ACL file: each may do what its service needs."""

from __future__ import annotations

from hashlib import sha256

from ecommerce.config import Settings

RIGHTS = {
    "admin": "~* &* +@all",
    "health": "resetkeys resetchannels -@all +ping",
    "consumer": "resetchannels ~live:* &ecommerce:* +@all -@admin -@dangerous",
    "etl": "resetchannels ~live:* &ecommerce:* -@all +@read +@connection +@pubsub +@scripting +@transaction",
    "web": "resetchannels ~live:* ~ecommerce:* &ecommerce:* +@all -@admin -@dangerous",
}


def acl(settings: Settings) -> str:
    """The ACL file; it holds digests of the passwords, and no user without a name."""
    lines = [f"user {name} on #{_digest(settings, name)} {rights}" for name, rights in RIGHTS.items()]
    return "\n".join(["user default off", *lines, ""])


def _digest(settings: Settings, user: str) -> str:
    return sha256(settings.secret(f"redis_{user}_password").encode()).hexdigest()
