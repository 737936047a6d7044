"""The MLflow server of a workspace and its store."""
