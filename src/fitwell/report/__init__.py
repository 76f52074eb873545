"""From a result to one HTML page, in English or Korean. It reads results and nothing else."""
