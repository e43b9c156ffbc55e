"""The simulated schedule of offline models: times, memory, advice, comparisons, for people."""
