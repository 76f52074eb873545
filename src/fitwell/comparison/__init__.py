"""The fair comparison: arms, the paired protocol, the sealed test part."""
