"""Upload or record a greeting, and hear a written one: what only the browser can do."""

from typing import Any

import reflex as rx

# Twilio plays MP3 and WAV only: whatever else a browser records or opens becomes a WAV here, so the server needs no
# converter.
SCRIPT = """
const LONGEST_GREETING = 180;
const WAV_RATE = 16000;
const wavOf = (samples) => {
  const view = new DataView(new ArrayBuffer(44 + samples.length * 2));
  const text = (at, word) => [...word].forEach((letter, n) => view.setUint8(at + n, letter.charCodeAt(0)));
  text(0, "RIFF"); view.setUint32(4, 36 + samples.length * 2, true); text(8, "WAVEfmt "); view.setUint32(16, 16, true);
  view.setUint16(20, 1, true); view.setUint16(22, 1, true); view.setUint32(24, WAV_RATE, true);
  view.setUint32(28, WAV_RATE * 2, true); view.setUint16(32, 2, true); view.setUint16(34, 16, true);
  text(36, "data"); view.setUint32(40, samples.length * 2, true);
  samples.forEach((sample, n) => view.setInt16(44 + n * 2, Math.max(-1, Math.min(1, sample)) * 32767, true));
  return new Blob([view], { type: "audio/wav" });
};
const toWav = async (blob) => {
  const context = new AudioContext();
  try {
    const sound = await context.decodeAudioData(await blob.arrayBuffer());
    const offline = new OfflineAudioContext(1, Math.max(1, Math.ceil(sound.duration * WAV_RATE)), WAV_RATE);
    const source = offline.createBufferSource();
    source.buffer = sound;
    source.connect(offline.destination);
    source.start();
    return wavOf((await offline.startRendering()).getChannelData(0));
  } finally { context.close(); }
};
const isPlayable = (file) => /[.](mp3|wav)$/i.test(file.name);
function GreetingRecorder({ channel, occasion, name }) {
  const [state, setState] = useState("idle");
  const [error, setError] = useState("");
  const [seconds, setSeconds] = useState(0);
  const recorder = useRef(null);
  const picker = useRef(null);
  useEffect(() => {
    if (state !== "recording") return undefined;
    const timer = setInterval(() => setSeconds((n) => n + 1), 1000);
    return () => clearInterval(timer);
  }, [state]);
  useEffect(() => {
    if (seconds >= LONGEST_GREETING && recorder.current) recorder.current.stop();
  }, [seconds]);
  useEffect(() => () => {
    if (recorder.current) recorder.current.stream.getTracks().forEach((track) => track.stop());
  }, []);
  const send = async (blob, playable) => {
    setState("working"); setError("");
    try {
      const sound = playable ? blob : await toWav(blob);
      const path = "/uploads/greeting/" + channel + "/" + occasion;
      const headers = { "Content-Type": "application/octet-stream" };
      const answer = await fetch(path, { method: "POST", body: sound, headers });
      const told = await answer.json().catch(() => ({ error: "The greeting could not be kept. Please try again." }));
      setError(told.error || "");
    } catch (problem) {
      setError(problem instanceof TypeError ? "The portal could not be reached. Please try again."
        : "Your browser cannot open this sound. Use an MP3 or WAV file.");
    }
    setState("idle");
  };
  const record = async () => {
    setError("");
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
      const parts = [];
      recorder.current = new MediaRecorder(stream);
      recorder.current.ondataavailable = (event) => parts.push(event.data);
      recorder.current.onstop = () => {
        stream.getTracks().forEach((track) => track.stop());
        send(new Blob(parts, { type: recorder.current.mimeType }), false);
      };
      recorder.current.start();
      setSeconds(0); setState("recording");
    } catch (problem) {
      setError("The microphone could not be used. Allow it in your browser for this page, and try again.");
    }
  };
  const clock = Math.floor(seconds / 60) + ":" + String(seconds % 60).padStart(2, "0");
  const button = (words, onClick, look) => createElement("button", {
    type: "button", onClick, disabled: state === "working", className: "button button-small button-" + look,
    "aria-label": words + ", " + name }, words);
  return createElement("div", { className: "stack", style: { gap: "6px" } },
    createElement("div", { className: "row row-wrap" },
      state === "recording"
        ? button("Stop and keep " + clock, () => recorder.current.stop(), "danger")
        : button(state === "working" ? "Keeping it…" : "Record with the microphone", record, "plain"),
      state === "recording" ? null : button("Upload a sound file", () => picker.current.click(), "plain"),
      createElement("input", { ref: picker, type: "file", accept: "audio/*", hidden: true,
        "aria-label": "Sound file, " + name,
        onChange: (event) => {
          const file = event.target.files[0];
          event.target.value = "";
          if (file) send(file, isPlayable(file));
        } })),
    createElement("div", { className: "field-error", role: "alert" }, error));
}
function SpeechPreview({ field, select, name }) {
  const [isThere, setIsThere] = useState(false);
  useEffect(() => setIsThere("speechSynthesis" in window), []);
  if (!isThere) return null;
  const speak = () => {
    const voice = document.getElementById(select).selectedOptions[0];
    const words = new SpeechSynthesisUtterance(document.getElementById(field).value);
    words.lang = voice ? voice.dataset.language : "en-US";
    window.speechSynthesis.cancel();
    window.speechSynthesis.speak(words);
  };
  return createElement("button", { type: "button", onClick: speak, className: "button button-quiet button-small",
    "aria-label": "Hear it in your browser's voice, " + name }, "Hear it (your browser's voice, not Twilio's)");
}
"""


class _InBrowser(rx.Component):
    """Drawn by SCRIPT, which stands once in the page that needs it."""

    def add_imports(self) -> Any:
        """What SCRIPT uses."""
        return {"react": ["createElement", "useEffect", "useRef", "useState"]}

    def add_custom_code(self) -> list[str]:
        """SCRIPT itself."""
        return [SCRIPT]


class _GreetingRecorder(_InBrowser):
    tag = "GreetingRecorder"
    channel: rx.Var[str]
    occasion: rx.Var[str]
    name: rx.Var[str]


class _SpeechPreview(_InBrowser):
    tag = "SpeechPreview"
    field: rx.Var[str]
    select: rx.Var[str]
    name: rx.Var[str]


def greeting_recorder(channel_id: rx.Var[str], occasion: str, name: str) -> rx.Component:
    """Buttons that record or upload the greeting for this occasion; the page hears of it by live update."""
    return _GreetingRecorder.create(channel=channel_id, occasion=occasion, name=name)


def speech_preview(field: str, select: str, name: str) -> rx.Component:
    """A button that reads the text of `field` out, in the language of the voice chosen in `select`."""
    return _SpeechPreview.create(field=field, select=select, name=name)
