"""The tasks of the collection mlflow."""
