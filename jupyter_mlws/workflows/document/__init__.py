"""The text of a `dvc.yaml`: parsed, validated and edited."""
