"""Calls, recordings and transcriptions, read and deleted."""

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tenant_portal.simulator.stand_in import shapes
from tenant_portal.simulator.stand_in.problems import Problem
from tenant_portal.simulator.stand_in.records import Call, Recording, Transcription
from tenant_portal.simulator.stand_in.visits import Visit, owned, v2010_page

ENDED = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})


async def list_calls(visit: Visit) -> Response:
    """GET Calls.json."""
    found = visit.world.store.all(Call, visit.account.sid)
    return v2010_page(visit, "calls", [shapes.call(one) for one in reversed(found)])


async def fetch_call(visit: Visit) -> Response:
    """GET Calls/{sid}.json."""
    return JSONResponse(shapes.call(visit.record(Call)))


async def delete_call(visit: Visit) -> Response:
    """DELETE Calls/{sid}.json; the recordings stay."""
    call = visit.record(Call)
    if call.status not in ENDED:
        raise Problem(400, 20009, "Cannot delete this resource before it is complete")
    visit.world.store.delete(call)
    return Response(status_code=204)


async def list_recordings(visit: Visit) -> Response:
    """GET Recordings.json, by CallSid."""
    found = [
        shapes.recording(one)
        for one in reversed(visit.world.store.all(Recording, visit.account.sid))
        if visit.one("CallSid") in {"", one.call_sid}
    ]
    return v2010_page(visit, "recordings", found)


async def fetch_recording(visit: Visit) -> Response:
    """GET Recordings/{sid}.json."""
    return JSONResponse(shapes.recording(visit.record(Recording)))


async def delete_recording(visit: Visit) -> Response:
    """DELETE Recordings/{sid}.json with its sound; the transcriptions stay."""
    recording = visit.record(Recording)
    # The transcript stays, as at Twilio: erasing a person means deleting each thing by itself.
    for file in filter(None, (recording.file, recording.mp3)):
        visit.world.store.delete_file(file)
    visit.world.store.delete(recording)
    return Response(status_code=204)


async def recording_wav(visit: Visit) -> Response:
    """GET Recordings/{sid} or {sid}.wav."""
    recording = _finished(visit)
    return Response(visit.world.store.read_file(recording.file), media_type="audio/x-wav")


async def recording_mp3(visit: Visit) -> Response:
    """GET Recordings/{sid}.mp3; a sound that a tester brought exists as WAV only."""
    recording = _finished(visit)
    if not recording.mp3:
        raise Problem(404, 20404, visit.request.url.path)
    return Response(visit.world.store.read_file(recording.mp3), media_type="audio/mpeg")


async def list_transcriptions(visit: Visit) -> Response:
    """GET Transcriptions.json or Recordings/{recording}/Transcriptions.json."""
    wanted = visit.request.path_params.get("recording")
    found = [
        shapes.transcription(one)
        for one in visit.world.store.all(Transcription, visit.account.sid)
        if wanted in {None, one.recording_sid}
    ]
    return v2010_page(visit, "transcriptions", found)


async def fetch_transcription(visit: Visit) -> Response:
    """GET Transcriptions/{sid}.json."""
    return JSONResponse(shapes.transcription(visit.record(Transcription)))


async def delete_transcription(visit: Visit) -> Response:
    """DELETE Transcriptions/{sid}.json."""
    visit.world.store.delete(visit.record(Transcription))
    return Response(status_code=204)


BASE = "/2010-04-01/Accounts/{account}"
ROUTES = [
    Route(BASE + "/Calls.json", owned(list_calls), methods=["GET"]),
    Route(BASE + "/Calls/{sid}.json", owned(fetch_call), methods=["GET"]),
    Route(BASE + "/Calls/{sid}.json", owned(delete_call), methods=["DELETE"]),
    Route(BASE + "/Recordings.json", owned(list_recordings), methods=["GET"]),
    Route(BASE + "/Recordings/{sid}.json", owned(fetch_recording), methods=["GET"]),
    Route(BASE + "/Recordings/{sid}.json", owned(delete_recording), methods=["DELETE"]),
    Route(BASE + "/Recordings/{recording}/Transcriptions.json", owned(list_transcriptions), methods=["GET"]),
    Route(BASE + "/Recordings/{sid}.wav", owned(recording_wav), methods=["GET"]),
    Route(BASE + "/Recordings/{sid}.mp3", owned(recording_mp3), methods=["GET"]),
    Route(BASE + "/Recordings/{sid}", owned(recording_wav), methods=["GET"]),
    Route(BASE + "/Transcriptions.json", owned(list_transcriptions), methods=["GET"]),
    Route(BASE + "/Transcriptions/{sid}.json", owned(fetch_transcription), methods=["GET"]),
    Route(BASE + "/Transcriptions/{sid}.json", owned(delete_transcription), methods=["DELETE"]),
]


def _finished(visit: Visit) -> Recording:
    recording = visit.record(Recording)
    if recording.status != "completed":
        raise Problem(404, 20404, visit.request.url.path)
    return recording
