"""Django's settings, flat. Every value that differs between machines comes from ecommerce.config."""

from datetime import timedelta
from pathlib import Path
from urllib.parse import quote, urlsplit

from ecommerce.config import settings as platform

ecommerce = platform()
BASE_DIR = Path(__file__).resolve().parent.parent

DEBUG = ecommerce.debug
SECRET_KEY = ecommerce.secret("django_secret_key")

_public = urlsplit(ecommerce.public_url)
_local_names = ["localhost", "127.0.0.1"]
ALLOWED_HOSTS = sorted({*_local_names, _public.hostname or "localhost"})
# Full origins, with the port: a page of another port on this host is a stranger.
ALLOWED_ORIGINS = sorted({f"{_public.scheme}://{_public.netloc}", *(f"http://{name}:{ecommerce.dashboard_port}" for name in _local_names)})
CSRF_TRUSTED_ORIGINS = ALLOWED_ORIGINS

ROOT_URLCONF = "ecommerce_analytics.urls"
ASGI_APPLICATION = "ecommerce_analytics.asgi.application"

# Behind a proxy that serves the dashboard below a path, public_url names the path.
_prefix = _public.path.rstrip("/")
FORCE_SCRIPT_NAME = _prefix or None
# How many of our own proxies stand in front; only what they say of the client is believed.
TRUSTED_PROXIES = ecommerce.trusted_proxies
USE_X_FORWARDED_HOST = TRUSTED_PROXIES > 0

INSTALLED_APPS = [
    "analytics.admin_app.EcommerceAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "channels",
    "analytics",
]

MIDDLEWARE = [
    "analytics.middleware.ContentSecurityPolicy",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # Safe against BREACH: Django masks the CSRF token anew in each page and pads each gzip stream by a random length.
    "analytics.middleware.GZipPages",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "analytics.middleware.ReaderLocale",
    "axes.middleware.AxesMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "analytics.context.frame",
            ],
        },
    }
]


def _database(role: str) -> dict:
    return {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": ecommerce.postgres_host,
        "PORT": ecommerce.postgres_port,
        "NAME": ecommerce.postgres_database,
        "USER": role,
        "PASSWORD": ecommerce.secret(f"postgres_{role}_password"),
        "OPTIONS": {"connect_timeout": 5, "application_name": "dashboard"},
    }


DATABASES = {"default": _database("web")}
# Only where migrations run: a container that serves pages does not hold the owner's password.
if (ecommerce.secrets_dir / "postgres_owner_password").exists():
    DATABASES["owner"] = _database("owner") | {"TEST": {"MIRROR": "default"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# A page waits this long for the warehouse at most; a card that fails says so.
DATABASES["default"]["OPTIONS"]["options"] = "-c statement_timeout=5000"

_redis = ecommerce.redis_options
# Not "default": a consumer would hold a queue in Redis and end whenever Redis is away. Rare notices only, see live_hub.
CHANNEL_LAYERS = {
    "notices": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {
            "prefix": "ecommerce:channels",
            # Without socket_timeout None the layer's blocking read is cut every 5 s.
            "hosts": [
                {
                    "address": f"redis://{_redis.get('username', '')}:{quote(_redis['password'], safe='')}@{_redis['host']}:{_redis['port']}/0",
                    "socket_timeout": None,
                }
            ],
        },
    }
}

# Counts of requests, for the API's limit; one count for all processes.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": CHANNEL_LAYERS["notices"]["CONFIG"]["hosts"][0]["address"],
        "KEY_PREFIX": "ecommerce:cache",
        "OPTIONS": {"socket_timeout": 2, "socket_connect_timeout": 2},
    }
}

STATIC_URL = f"{_prefix}/static/"
STATIC_ROOT = ecommerce.static_dir
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

_validators = "django.contrib.auth.password_validation."
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": _validators + "UserAttributeSimilarityValidator"},
    {"NAME": _validators + "MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": _validators + "CommonPasswordValidator"},
    {"NAME": _validators + "NumericPasswordValidator"},
]
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
# Five wrong passwords for one account or from one address: a pause, answered with 429. One-time links go on working.
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = ["username", "ip_address"]
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_CLIENT_IP_CALLABLE = "analytics.audit.address_of"
AXES_LOCKOUT_CALLABLE = "analytics.signin.too_many"
AXES_SENSITIVE_PARAMETERS = ["password"]
AXES_VERBOSE = False
AXES_DISABLE_ACCESS_LOG = True  # analytics.audit keeps who came in

LOGIN_URL = "signin"
LOGIN_REDIRECT_URL = "live"
LOGOUT_REDIRECT_URL = "signin"

_https = _public.scheme == "https"
SESSION_ENGINE = "analytics.sessions"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
SESSION_COOKIE_AGE = 14 * 24 * 3600
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "analytics.errors.csrf_failure"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 30 * 24 * 3600 if _https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = _https
SECURE_SSL_REDIRECT = _https
SECURE_REDIRECT_EXEMPT = [r"(^|/)healthz$"]  # asked from inside, without TLS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _https else None
X_FRAME_OPTIONS = "DENY"

LANGUAGE_CODE = "en-gb"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {"daphne": {"level": "WARNING"}, "django.channels.server": {"level": "WARNING"}, "axes": {"level": "WARNING"}},
}
