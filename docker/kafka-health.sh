#!/usr/bin/env bash
# A Kafka Metadata request (version 0, all topics) on the container's own loopback: healthy when the answer lists a broker.
# The broker's own tools would start a JVM each time.
set -euo pipefail
exec 3<>/dev/tcp/127.0.0.1/9099
# size 20; api key 3, version 0; correlation id 1; client id "health"; no topic named = all
printf '\0\0\0\x14\0\x03\0\0\0\0\0\x01\0\x06health\0\0\0\0' >&3
# size, correlation id, number of brokers: 4 bytes each
answer=$(timeout 4 head -c 12 <&3 | od -An -v -tu1 | tr -s ' \n' ' ')
read -ra bytes <<<"$answer"
[ "${#bytes[@]}" -eq 12 ] && [ "${bytes[11]}" -ge 1 ]
