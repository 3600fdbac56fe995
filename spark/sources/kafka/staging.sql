-- One row per event line as archived; the archive holds the contract already.
SELECT * FROM {raw}
