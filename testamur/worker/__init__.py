"""The door for time: what has to happen later, and at which moments."""
