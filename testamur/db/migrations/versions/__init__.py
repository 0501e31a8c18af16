"""One file a step, numbered; written once and never changed after a release."""
