#!/bin/sh
# Becomes redis-server with the options given, once an unfinished transaction is cut off the end of its file:
# Redis would leave it out now, write on behind it, and take it for the beginning of the next one at the next start.
set -e
manifest=/data/appendonlydir/appendonly.aof.manifest
if [ -e "$manifest" ]; then
    echo y | redis-check-aof --fix "$manifest"
fi
exec redis-server "$@"
