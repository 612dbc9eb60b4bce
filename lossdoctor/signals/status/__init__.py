"""The status of a run: one word, from what the log shows.

The rules stand in the order in which they are asked; the first that holds decides. Each compares a measure with its
threshold, and says how sure it is from how far the measure stands beyond it. A sick verdict that is not sure enough
gives way to the healthy one: a false alarm is worse than silence.

The thresholds, at the head of each file and in the rules, are our own, set on the development part of benchmarks/diagnose.py.
"""
