"""The log of actions: who did what, when, with what result."""

from django.conf import settings
from django.http import HttpRequest

from analytics.models import Action


def address_of(request: HttpRequest) -> str | None:
    """The client's address: the one that the outermost of our own proxies saw, never one that the client wrote itself."""
    hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
    trusted = settings.TRUSTED_PROXIES
    if trusted and len(hops) >= trusted:
        return hops[-trusted]
    return request.META.get("REMOTE_ADDR")


def record(request: HttpRequest, action: str, target: str = "", outcome: str = "done") -> Action:
    """Logs ``action`` of the request's user on ``target``."""
    user = request.user
    return Action.objects.create(
        user=user, username=user.get_username(), address=address_of(request), action=action, target=target, outcome=outcome
    )
