"""The command line, the demo and the benchmarks: the only place that sees both edge and central."""

__version__ = "0.1.0"
