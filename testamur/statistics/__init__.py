"""Statistics: how many credentials a workspace has, and what happened on each day, counted before anybody asks.

Everything is counted anew from what is there, never added up, so a crash or two workers at once count nothing twice.
Days are those of UTC, as in the API's search. A day is counted until an hour after its end; what is deleted later is not
taken out of it. What comes late (an interaction with an older moment) has its day counted once more.
"""
