"""The tasks: thin verbs that parse, call the library and report."""

from invoke.collection import Collection

from wildetect.tasks import config, demo, docs, doctor, shims
from wildetect.tasks.census import census
from wildetect.tasks.census import export as census_export
from wildetect.tasks.dataset import build as dataset_build
from wildetect.tasks.detect import detect
from wildetect.tasks.detect import export as detect_export
from wildetect.tasks.mlflow import server as mlflow_server
from wildetect.tasks.mlflow import store as mlflow_store
from wildetect.tasks.mlflow import users as mlflow_users
from wildetect.tasks.model import comparison as model_comparison
from wildetect.tasks.model import deletion as model_deletion
from wildetect.tasks.model import listing as model_listing
from wildetect.tasks.model import optimize as model_optimize
from wildetect.tasks.model import promotion as model_promotion
from wildetect.tasks.model import quality as model_quality
from wildetect.tasks.model import register as model
from wildetect.tasks.model import training as model_training
from wildetect.tasks.model import travel as model_travel
from wildetect.tasks.review import page as review_page
from wildetect.tasks.review import review
from wildetect.tasks.review import status as review_status
from wildetect.tasks.support import publish

__all__ = ["ns"]

ns = Collection(demo.demo, doctor.doctor)
ns.add_collection(
    Collection(
        "mlflow",
        mlflow_server.serve,
        mlflow_server.stop,
        mlflow_server.restart,
        mlflow_server.status,
        mlflow_server.logs,
        mlflow_store.migrate,
        mlflow_store.backup,
        mlflow_store.restore,
        mlflow_store.clean,
        mlflow_users.users,
    )
)
ns.add_collection(
    Collection(
        "model",
        model.register,
        model_listing.list_models,
        model_listing.show,
        model_promotion.promote,
        model_listing.history,
        model_quality.evaluate,
        model_comparison.compare,
        model_optimize.optimize,
        model_deletion.delete,
        model_training.train,
        model_travel.export,
        model_travel.import_,
    )
)
ns.add_collection(Collection("detect", detect.run, detect_export.export))
ns.add_collection(Collection("census", census.run, census.plan, census_export.export, census.selftest))
ns.add_collection(Collection("review", review.plan, review_page.open_, review.import_, review_status.status))
ns.add_collection(Collection("dataset", dataset_build.build))
ns.add_collection(Collection("config", config.show, config.schema))
ns.add_collection(Collection("shims", shims.write))
ns.add_collection(Collection("docs", docs.write))
publish(ns)
