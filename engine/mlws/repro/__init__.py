"""`repro`: brings the stages of a DVC repository up to date, with the options of `dvc repro`."""
