"""The only training loop, and the processes that run many trainings."""
