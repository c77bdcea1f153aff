"""Which of this machine's vector instructions the networks may use.

oneDNN, which does OpenVINO's arithmetic on CPUs, reads ONEDNN_MAX_CPU_ISA once, when it is first used (oneDNN developer
guide, "CPU Dispatcher Control"). OpenVINO's own kernels follow it. A cap makes a big machine compute as a smaller one
does, so that what a box with an N100 can carry is measured before it is bought; results differ in the last bits.
"""

NAMES = ("native", "avx2_vnni")
_VARIABLE = "ONEDNN_MAX_CPU_ISA"


def environment(cpu: str) -> dict[str, str]:
    """Environment of a process whose networks use at most `cpu`, one of NAMES. Raises ValueError for another."""
    if cpu not in NAMES:
        raise ValueError(f"{cpu!r} is none of {', '.join(NAMES)}")
    return {} if cpu == "native" else {_VARIABLE: cpu.upper()}


__all__ = ["NAMES", "environment"]
