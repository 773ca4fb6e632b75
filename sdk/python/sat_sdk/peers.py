"""What other entities are to this account (`sat:host/peers`)."""

from .bindings.sat.host.peers import Peer, claim, release

__all__ = ["Peer", "claim", "release"]
