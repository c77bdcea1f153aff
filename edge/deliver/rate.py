"""How fast a box may pour out what it has saved up: a returning box must not flood central.

Pure: a bucket that fills by `per_s` a second up to `burst`, and monotonic seconds in.
"""


class Rate:
    """See the module. What is new flows out of the full bucket at once; only a backlog feels the limit."""

    def __init__(self, per_s: float, burst: float) -> None:
        """`burst` is how much may go at once after a quiet time, in the unit of `per_s`, at least 1."""
        self._per_s = per_s
        self._burst = max(1.0, burst)
        self._held = self._burst
        self._at: float | None = None

    def room(self, now: float) -> int:
        """How much may go at monotonic second `now`."""
        self._fill(now)
        return max(0, int(self._held))

    def spend(self, amount: float, now: float) -> float:
        """`amount` goes. Returns how many seconds whoever sends it must wait first (0 while the bucket holds it)."""
        self._fill(now)
        self._held -= amount
        return max(0.0, -self._held / self._per_s)

    def _fill(self, now: float) -> None:
        if self._at is not None:
            self._held = min(self._burst, self._held + max(0.0, now - self._at) * self._per_s)
        self._at = now


__all__ = ["Rate"]
