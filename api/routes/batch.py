"""Batch learning: jobs for the workers, the model that came of them, and pictures of it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from api.answers import Json, Score, moment
from api.batch import (
    BatchJob,
    BatchJobs,
    BatchModel,
    Diagnostics,
    DiagnosticState,
    NewJob,
)
from api.bodies import InvalidBody, decode
from api.deps import BodyDep, PlatformDep, ServedDep
from api.drawing import MEDIA_TYPES
from api.openapi import accepts, returns, returns_object
from api.platform import Platform, Served
from api.routes.analytics import JSON, SANDBOX, chosen
from flows.batch import offered
from flows.errors import VersionError
from flows.projects.spec import Project

router = APIRouter(prefix="/projects/{project}/batch", tags=["batch"])

PICTURE = "flows.pictures.batch.picture"

JobId = Annotated[str, Path(alias="id", max_length=64, description="A job's id")]
Name = Annotated[str, Path(max_length=64, description="A diagnostic's name")]


@router.get("/jobs", responses=returns(BatchJobs))
def list_jobs(platform: PlatformDep, served: ServedDep) -> Json:
    """List a project's newest jobs, how many workers there are, and what can be ordered."""
    project, store = served.project, platform.jobs
    return Json(
        BatchJobs(
            jobs=[BatchJob.of(job) for job in store.newest(project.slug)],
            workers=store.workers(),
            waiting=store.waiting().jobs,
            candidates=offered.candidates(project),
            diagnostics=offered.long(project),
        )
    )


@router.post("/jobs", responses=returns(BatchJob, 202), openapi_extra=accepts(NewJob))
def create_job(platform: PlatformDep, served: ServedDep, body: BodyDep) -> Json:
    """Queue a job; a worker does it, and tells those who ask how far it is."""
    wanted = decode(body, NewJob)
    order = _order(served.project, wanted)
    return _told(platform.jobs.submit(served.project.slug, wanted.kind, order))


@router.get("/jobs/{id}", responses=returns(BatchJob))
def get_job(platform: PlatformDep, served: ServedDep, job_id: JobId) -> Json:
    """Tell how far a job is, or what became of it."""
    return Json(BatchJob.of(platform.jobs.get(served.project.slug, job_id)))


@router.post("/jobs/{id}/cancel", responses=returns(BatchJob, 202))
def cancel_job(platform: PlatformDep, served: ServedDep, job_id: JobId) -> Json:
    """Take a job from the queue, or have its worker end it, which it does within a second."""
    return _told(platform.jobs.cancel(served.project.slug, job_id))


@router.post("/jobs/{id}/again", responses=returns(BatchJob, 202))
def repeat_job(platform: PlatformDep, served: ServedDep, job_id: JobId) -> Json:
    """Queue a job that has ended once more, as a new one."""
    return _told(platform.jobs.again(served.project.slug, job_id))


@router.get("/model", responses=returns(BatchModel))
def get_batch_model(platform: PlatformDep, served: ServedDep) -> Json:
    """Tell what the newest batch model is, and how good it was on what it had not seen."""
    project = served.project
    facts = platform.batch.facts(project.slug)
    value = facts.metrics.get(project.score)
    loaded = served.follower.loaded()
    return Json(
        BatchModel(
            project=project.slug,
            version=facts.version,
            name=facts.name,
            score=None if value is None else Score(project.score, value),
            metrics=facts.metrics,
            candidates=facts.candidates,
            rows=facts.rows,
            first=None if facts.first_time is None else moment(facts.first_time),
            last=None if facts.last_time is None else moment(facts.last_time),
            data=facts.data,
            created=moment(facts.created),
            seconds=facts.seconds,
            run_id=facts.run_id,
            notes=facts.notes,
            online=loaded.facts.metrics if loaded else {},
        )
    )


@router.get("/diagnostics", responses=returns(Diagnostics))
def list_diagnostics(platform: PlatformDep, served: ServedDep) -> Json:
    """Tell what can be shown of the newest batch model, and what is there already."""
    project = served.project
    version = platform.batch.facts(project.slug).version
    there = set(platform.batch.diagnostics(project.slug, version))
    states = [DiagnosticState(name, False, name in there) for name in offered.short(project)]
    states += [DiagnosticState(name, True, name in there) for name in offered.long(project)]
    return Json(Diagnostics(version=version, diagnostics=states))


_SHOWN: dict[int | str, dict[str, Any]] = returns_object("The diagnostic as data, or as a picture")
_SHOWN[200]["content"] |= {
    kind: {"schema": {"type": "string", "format": "binary"}} for kind in MEDIA_TYPES
}


@router.get("/diagnostics/{name}", responses=_SHOWN)
def get_diagnostic(
    request: Request, platform: PlatformDep, served: ServedDep, name: Name
) -> Response:
    """Give a diagnostic of the newest batch model: as JSON, PNG or SVG, whichever is accepted."""
    media_type = chosen(request.headers.get("accept", ""), (JSON, *MEDIA_TYPES))
    version, data = _diagnostic(platform, served, name)
    if media_type == JSON:
        answer = Json(data)
        answer.headers["Vary"] = "Accept"
        return answer
    told = {"name": name, "data": data, "title": f"{served.project.title}, version {version}"}
    drawn = platform.drawer.draw(PICTURE, told, MEDIA_TYPES[media_type])
    headers = {"Cache-Control": "no-store", "Vary": "Accept", "Content-Security-Policy": SANDBOX}
    return Response(drawn, media_type=media_type, headers=headers)


def _diagnostic(platform: Platform, served: Served, name: str) -> tuple[int, Any]:
    slug = served.project.slug
    known = (*offered.short(served.project), *offered.long(served.project))
    if name not in known:
        raise VersionError(f"{slug} has no diagnostic {name!r}; known: {', '.join(known)}")
    version = platform.batch.facts(slug).version
    return version, platform.batch.diagnostic(slug, version, name)


def _order(project: Project, wanted: NewJob) -> dict[str, Any]:
    """What the worker is told. Raises InvalidBody for what it could not do."""
    if wanted.kind == "train":
        _refuse(wanted, "diagnostic", "version")
        _check(wanted.model, "model", offered.candidates(project))
        since = None if wanted.since is None else wanted.since.isoformat()
        return {"rows": wanted.rows, "since": since, "model": wanted.model}
    _refuse(wanted, "rows", "since", "model")
    if wanted.diagnostic is None:
        raise InvalidBody("diagnostic", f"is missing; one of {_listed(offered.long(project))}")
    _check(wanted.diagnostic, "diagnostic", offered.long(project))
    return {"name": wanted.diagnostic, "version": wanted.version}


def _refuse(wanted: NewJob, *names: str) -> None:
    for name in names:
        if getattr(wanted, name) is not None:
            raise InvalidBody(name, f"is not for jobs of kind {wanted.kind}; leave it out")


def _check(given: str | None, name: str, known: tuple[str, ...]) -> None:
    if given is not None and given not in known:
        raise InvalidBody(name, f"{given!r} is unknown; one of {_listed(known)}")


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names)


def _told(job: Any) -> Json:
    return Json(BatchJob.of(job), 202)
