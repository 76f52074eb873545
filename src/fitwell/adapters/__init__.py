"""`regularize` inside other training frameworks, one file each; a file needs its framework."""
