"""The batch side against the usual ways: `make bench-batch` writes the section Batch of docs/benchmarks.md."""
