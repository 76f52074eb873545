"""Many settings of one network, trained as one batched model on one thread."""
