"""The smaller network, earned: dead units leave, and the outputs are proven equal."""

from fitwell.compaction.compact import Compacted, Removed, compact

__all__ = ["Compacted", "Removed", "compact"]
