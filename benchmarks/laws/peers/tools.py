"""The tools that are compared, each in an environment of its own."""

from benchmarks.environments import Environment

PROGRAMS = "benchmarks.laws.peers.programs"
OURS = "nalu-serve"

PEERS = {
    peer.name: peer
    for peer in (
        Environment(OURS, program=f"{PROGRAMS}.nalu_serve"),
        Environment("pyoperon", ("pyoperon==0.6.2", "scikit-learn==1.9.1"), program=f"{PROGRAMS}.pyoperon"),
        Environment("gplearn", ("gplearn==0.4.3", "scikit-learn==1.9.1"), program=f"{PROGRAMS}.gplearn"),
        Environment("eggp", ("eggp==2.2.2",), program=f"{PROGRAMS}.eggp"),
        Environment(
            "rils-rols",
            ("rils-rols==1.6.7",),
            ("pybind11==3.1.0", "setuptools==80.9.0", "wheel==0.48.0"),
            program=f"{PROGRAMS}.rils_rols",
        ),
    )
}
