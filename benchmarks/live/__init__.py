"""The live feed against the usual ways: the hub on daphne and uvicorn, channels_redis group_send, plain websockets broadcast."""
