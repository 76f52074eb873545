"""What is checked before a file of a model is believed; nothing here builds a network."""
