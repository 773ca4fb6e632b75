"""Disco features beyond those of the manifest, and the profile's whole set (`sat:host/features`)."""

from .bindings.sat.host.features import FeatureSet, Identity, all, set

__all__ = ["FeatureSet", "Identity", "all", "set"]
