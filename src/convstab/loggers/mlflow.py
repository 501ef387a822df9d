"""MLflow: in a database of the machine's own below runs, or on a server.

Lightning's MLFlowLogger is not taken: it sets MLFLOW_TRACKING_URI, and so decides for the next job of the process.
"""

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from time import time
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from filelock import FileLock
from PIL import Image
from pytorch_lightning.loggers import Logger
from pytorch_lightning.utilities import rank_zero_only

from convstab.errors import InputError
from convstab.loggers.tracker import Artifact, Tracker, as_bytes
from convstab.packages import need, one_line
from convstab.runs.configuration import Config, leaves

DATABASE, FILES = "mlflow.db", "mlartifacts"
ID = "convstab.id"  # tag by which the run of a folder is found again
LONGEST_VALUE, MOST_PARAMETERS = 6000, 100  # characters of a parameter; parameters in one call: MLflow's limits


class MlflowRun(Logger, Tracker):
    """A run of MLflow that is open.

    client: of mlflow. run: the id that MLflow has given it.
    """

    tool = "mlflow"
    by_level = True  # its charts know steps and times only

    def __init__(self, client: Any, run: str, log_model: bool) -> None:
        super().__init__()
        self.client, self.run, self.log_model = client, run, log_model

    @property
    def name(self) -> str:
        """Folders are not named by it."""
        return ""

    @property
    def version(self) -> str:
        """The id of the run."""
        return self.run

    @rank_zero_only
    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """The configuration: its single values as parameters, and all of it as a file.

        A parameter that the run has already stays as it was, since MLflow lets none change; the file says what is now.
        """
        entities, there = need("mlflow.entities", "mlflow"), self.client.get_run(self.run).data.params
        new = [(name, value) for name, value in parameters(params) if name not in there]
        given = [entities.Param(name, str(value)[:LONGEST_VALUE]) for name, value in new]
        for start in range(0, len(given), MOST_PARAMETERS):
            self.client.log_batch(self.run, params=given[start : start + MOST_PARAMETERS])
        self.client.log_dict(self.run, dict(params), "config.yaml")

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Points of curves."""
        entities = need("mlflow.entities", "mlflow")
        now = int(time() * 1000)
        self.client.log_batch(
            self.run, metrics=[entities.Metric(name, float(value), now, step or 0) for name, value in metrics.items()]
        )

    def summarise(self, values: Mapping[str, float]) -> None:
        """Metrics of one point: a curve that has the same name keeps its own last value."""
        self.log_metrics({f"summary/{name}": value for name, value in values.items()})

    def add_table(self, name: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """A table that MLflow shows, whose images are files beside it."""
        cells = [
            [self.cell_of(cell, f"{name}/{number}_{column}.png") for column, cell in zip(columns, row, strict=True)]
            for number, row in enumerate(rows)
        ]
        self.client.log_dict(self.run, {"columns": list(columns), "data": cells}, f"tables/{name}.json")

    def cell_of(self, cell: Any, path: str) -> Any:
        """A cell of a table; of an image the path of its file."""
        if not isinstance(cell, np.ndarray):
            return cell
        pixels = as_bytes(cell)
        image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
        self.client.log_image(self.run, image, f"tables/{path}")
        return f"tables/{path}"

    def add_figures(self, paths: Mapping[str, Path]) -> None:
        """Pictures, as files."""
        for name, path in paths.items():
            self.client.log_artifact(self.run, str(path), str(Path(name).parent))

    def add_page(self, name: str, path: Path) -> None:
        """An HTML page, which MLflow shows."""
        self.client.log_text(self.run, path.read_text(encoding="utf-8"), f"{name}.html")

    def add_output(self, artifact: Artifact) -> None:
        """Files of the run, in a folder that is called like their kind."""
        for path in artifact.files.values():
            self.client.log_artifact(self.run, str(path), artifact.kind)
        self.client.set_tag(self.run, "makes", artifact.name(self.tool))

    def add_input(self, artifact: Artifact) -> None:
        """A tag with the names of what is used, which the runs that made them have as ``makes``."""
        before = self.client.get_run(self.run).data.tags.get("uses")
        self.client.set_tag(self.run, "uses", ", ".join(filter(None, [before, artifact.name(self.tool)])))

    def close(self, failed: bool) -> None:
        """End the run."""
        self.client.set_terminated(self.run, "FAILED" if failed else "FINISHED")


def parameters(config: Config) -> Iterator[tuple[str, Any]]:
    """The single values of a configuration by names that MLflow takes."""
    for name, value in leaves(config):
        yield "".join(letter if letter.isalnum() or letter in "_-./ " else "_" for letter in name), value


def mlflow_logger(
    uri: str | None,
    folder: str,
    experiment: str,
    save_dir: str,  # noqa: ARG001  # which every logger is told
    id: str,  # noqa: A002
    job_type: str,
    name: str,
    group: str | None,
    tags: Sequence[str] = (),
    log_model: bool = True,
    resume: bool = False,
) -> MlflowRun:
    """A run of MLflow.

    uri: of a server or database; None: MLFLOW_TRACKING_URI, and where that is not set a database in ``folder``.
    experiment: that the run is in. id: of the run of this job, by which an earlier one is found: it goes on where
        ``resume`` says so, else it is replaced.
    """
    logging.getLogger("mlflow").setLevel(logging.WARNING)  # it says that it makes its database
    logging.getLogger("alembic").setLevel(logging.WARNING)
    where = uri or os.environ.get("MLFLOW_TRACKING_URI")
    tracking, exceptions = need("mlflow.tracking", "mlflow"), need("mlflow.exceptions", "mlflow")
    check_uri(where)
    try:
        client, within = opened(tracking, where, Path(folder).absolute(), experiment)
        before = [run.info.run_id for run in client.search_runs([within], f"tags.`{ID}` = '{id}'")]
        if resume and before:
            client.update_run(before[0], "RUNNING")
            return MlflowRun(client, before[0], log_model)
        for old in before:
            client.delete_run(old)
        said = {ID: id, "job_type": job_type, "group": group or "", "tags": ", ".join(tags)}
        run = client.create_run(within, run_name=name, tags=said)
    except exceptions.MlflowException as error:
        raise InputError(f"MLflow at {where or folder}: {one_line(error)}; {without_server(uri)}") from error
    return MlflowRun(client, run.info.run_id, log_model)


def opened(tracking: Any, where: str | None, folder: Path, experiment: str) -> tuple[Any, str]:
    """A client of mlflow, and the id of the experiment; jobs that begin at once make the database one after another."""
    if where:
        client = tracking.MlflowClient(where)
        return client, experiment_of(client, experiment, None)
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / f"{DATABASE}.lock"):
        client = tracking.MlflowClient(database(folder))
        return client, experiment_of(client, experiment, folder / FILES)


def check_uri(where: str | None) -> None:
    """Raise InputError for an address with a password, which would be written into every configuration."""
    if where and urlsplit(where).password:
        raise InputError(
            "the address of MLflow holds a password, which would be written to config.yaml; "
            "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
        )


def without_server(uri: str | None) -> str:
    """What to do to need no server; uri: as it was configured, None: the environment has it."""
    return "logger.mlflow.uri=null needs no server" if uri else "unset MLFLOW_TRACKING_URI to need no server"


def database(folder: Path) -> str:
    """The address of the database in a folder."""
    return f"sqlite:///{folder / DATABASE}"


def experiment_of(client: Any, name: str, files: Path | None) -> str:
    """The id of an experiment, which is made where it is not there.

    files: where its files go; None: as the server says.
    """
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    return str(client.create_experiment(name, artifact_location=None if files is None else files.as_uri()))
