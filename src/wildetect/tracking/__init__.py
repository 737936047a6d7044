"""The MLflow server of a workspace and its store.

`plan.plan_server` decides what a server will be, `server.start`, `server.running` and `server.stop`
work on it, `status.server_status` asks how it is; `migration`, `backup` and `restore` move the store.
Nothing here imports mlflow: the server is a program of its own.
"""
