"""What puts text into the composer, or takes it from there, in the browser: replies, emoji, times."""

from typing import Any

import reflex as rx
from reflex.event import passthrough_event_spec

from tenant_portal.ui import routes
from tenant_portal.ui.pages.inbox.items import ReplyItem

# Name and sign; a row of the picker has eight.
EMOJI = (
    ("smile", "🙂"), ("grin", "😀"), ("laugh", "😂"), ("wink", "😉"), ("warm smile", "😊"), ("hearts for eyes", "😍"),
    ("cool", "😎"), ("thinking", "🤔"), ("neutral", "😐"), ("sad", "🙁"), ("crying", "😢"), ("surprised", "😮"),
    ("sweat", "😅"), ("tired", "😴"), ("ill", "🤒"), ("party", "🥳"), ("thumbs up", "👍"), ("thumbs down", "👎"),
    ("clapping", "👏"), ("thank you", "🙏"), ("wave", "👋"), ("OK", "👌"), ("fingers crossed", "🤞"), ("strong", "💪"),
    ("handshake", "🤝"), ("pointing right", "👉"), ("heart", "❤️"), ("star", "⭐"), ("sparkles", "✨"), ("fire", "🔥"),
    ("party popper", "🎉"), ("gift", "🎁"), ("check", "✅"), ("cross", "❌"), ("warning", "⚠️"), ("question", "❓"),
    ("exclamation", "❗"), ("light bulb", "💡"), ("calendar", "📅"), ("clock", "🕐"), ("telephone", "📞"),
    ("e-mail", "📧"),
    ("pin on a map", "📍"), ("house", "🏠"), ("car", "🚗"), ("tool", "🔧"), ("money", "💶"), ("coffee", "☕"),
)  # fmt: skip
SCRIPT = r"""
const composerField = () => document.getElementById("composer-body");
const insertText = (text) => {
  const field = composerField();
  if (!field) return;
  field.focus();
  field.setRangeText(text, field.selectionStart, field.selectionEnd, "end");
  // As if it had been typed: the draft is kept and the segments are counted.
  field.dispatchEvent(new Event("input", { bubbles: true }));
};
const useTool = () => {
  const [isOpen, setOpen] = useState(false);
  const box = useRef(null);
  useEffect(() => {
    if (!isOpen) return undefined;
    const outside = (event) => box.current && !box.current.contains(event.target) && setOpen(false);
    document.addEventListener("pointerdown", outside);
    return () => document.removeEventListener("pointerdown", outside);
  }, [isOpen]);
  const leave = () => {
    setOpen(false);
    if (composerField()) composerField().focus();
  };
  return { isOpen, setOpen, box, leave };
};
const toolButton = (tool, label, children, onClick) =>
  createElement("button", {
    type: "button", className: "button button-quiet button-small icon-button", "aria-label": label, title: label,
    "aria-expanded": tool.isOpen, onClick,
  }, children);
function CannedReplies({ children, found, onFind, settings }) {
  const tool = useTool();
  const [words, setWords] = useState("");
  const [place, setPlace] = useState(0);
  const timer = useRef(0);
  const list = useId();
  const look = (text, pause) => {
    setWords(text);
    setPlace(0);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => onFind(text), pause);
  };
  const open = () => {
    tool.setOpen(true);
    look("", 0);
  };
  useEffect(() => {
    const slash = (event) => {
      const field = event.target;
      if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || field.id !== "composer-body") return;
      if (!/(^|\n)$/.test(field.value.slice(0, field.selectionStart))) return;
      event.preventDefault();
      open();
    };
    document.addEventListener("keydown", slash);
    return () => document.removeEventListener("keydown", slash);
  });
  const choose = (reply) => {
    tool.setOpen(false);
    insertText(reply.body);
  };
  const onKeyDown = (event) => {
    const last = found.length - 1;
    if (event.key === "ArrowDown") setPlace(Math.min(place + 1, last));
    else if (event.key === "ArrowUp") setPlace(Math.max(place - 1, 0));
    else if (event.key === "Enter" && found[place]) choose(found[place]);
    else if (event.key === "Escape") tool.leave();
    else if (event.key === "/" && !words) [tool.leave(), insertText("/")];
    else if (event.key !== "Enter") return;
    event.preventDefault();
  };
  const option = (reply, n) =>
    createElement("li", {
      key: reply.id, id: list + n, role: "option", "aria-selected": n === place, className: "reply-option",
      onClick: () => choose(reply), onPointerMove: () => setPlace(n),
    },
      createElement("div", { className: "reply-name truncate" }, reply.name),
      createElement("div", { className: "reply-text soft" }, reply.body));
  const none = words
    ? createElement("p", { className: "soft tool-none" }, "No reply has these words.")
    : createElement("p", { className: "soft tool-none" }, "No replies are kept ready yet. ",
        createElement("a", { href: settings, className: "text-link" }, "Canned replies"));
  const panel = createElement("div", { className: "tool-panel reply-panel" },
    createElement("input", {
      className: "input", role: "combobox", "aria-label": "Search replies", "aria-expanded": found.length > 0,
      "aria-controls": list, "aria-autocomplete": "list", autoFocus: true, value: words, placeholder: "Search replies",
      "aria-activedescendant": found[place] ? list + place : undefined, autoComplete: "off",
      onChange: (event) => look(event.target.value, 150), onKeyDown,
    }),
    createElement("ul", { id: list, role: "listbox", "aria-label": "Replies", className: "reply-list" },
      found.map(option)),
    found.length ? null : none);
  return createElement("div", { ref: tool.box, className: "tool" },
    toolButton(tool, "Canned replies", children, () => (tool.isOpen ? tool.leave() : open())),
    tool.isOpen ? panel : null);
}
function EmojiPicker({ children, emoji }) {
  const tool = useTool();
  const onKeyDown = (event) => {
    if (event.key === "Escape") return event.preventDefault(), tool.leave();
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 8, ArrowUp: -8 }[event.key];
    const signs = [...tool.box.current.querySelectorAll(".emoji")];
    const from = signs.indexOf(document.activeElement);
    if (!step || from < 0) return undefined;
    event.preventDefault();
    const to = signs[from + step];
    return to && to.focus();
  };
  const choose = (sign) => {
    tool.setOpen(false);
    insertText(sign);
  };
  const one = ([name, sign], n) =>
    createElement("button", {
      key: name, type: "button", className: "emoji", "aria-label": name, title: name, autoFocus: n === 0,
      onClick: () => choose(sign),
    }, sign);
  return createElement("div", { ref: tool.box, className: "tool", onKeyDown },
    toolButton(tool, "Emoji", children, () => (tool.isOpen ? tool.leave() : tool.setOpen(true))),
    tool.isOpen ? createElement("div", { className: "tool-panel emoji-panel", role: "group", "aria-label": "Emoji" },
      emoji.map(one)) : null);
}
const zoneName = () => Intl.DateTimeFormat().resolvedOptions().timeZone.replaceAll("_", " ");
function ZoneName() {
  return createElement("span", null, zoneName());
}
function ScheduleChoices({ onChoose }) {
  const choose = (until) => onChoose(until, composerField() ? composerField().value : "");
  return createElement("div", null,
    createElement("p", { className: "soft zone" }, "Times of your clock: ", zoneName()),
    createElement(SnoozeChoices, { verb: "Schedule", onChoose: choose }));
}
const localMinute = (at) => {
  const time = new Date(at);
  return new Date(time.getTime() - time.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
};
function TimeField({ at, name, label }) {
  const [local, setLocal] = useState(at ? localMinute(at) : "");
  return createElement("label", { className: "field-label" }, label, " (", zoneName(), ")",
    createElement("input", {
      type: "datetime-local", className: "input", required: true, value: local,
      onChange: (event) => setLocal(event.target.value),
    }),
    createElement("input", { type: "hidden", name, value: local ? new Date(local).toISOString() : "" }));
}
"""


class _Aid(rx.Component):
    """Drawn by SCRIPT, which stands once in each page that needs it."""

    def add_imports(self) -> Any:
        """What SCRIPT uses."""
        return {"react": ["createElement", "useEffect", "useId", "useRef", "useState"]}

    def add_custom_code(self) -> list[str]:
        """SCRIPT itself."""
        return [SCRIPT]


class _CannedReplies(_Aid):
    tag = "CannedReplies"
    found: rx.Var[list[ReplyItem]]
    settings: rx.Var[str]
    on_find: rx.EventHandler[passthrough_event_spec(str)]  # type: ignore[valid-type, type-arg]


class _EmojiPicker(_Aid):
    tag = "EmojiPicker"
    emoji: rx.Var[list[list[str]]]


class _ScheduleChoices(_Aid):
    tag = "ScheduleChoices"
    on_choose: rx.EventHandler[passthrough_event_spec(str, str)]  # type: ignore[valid-type, type-arg]


class _TimeField(_Aid):
    tag = "TimeField"
    at: rx.Var[str]
    name: rx.Var[str]
    label: rx.Var[str]


class _ZoneName(_Aid):
    tag = "ZoneName"


def canned_replies(found: rx.Var[list[ReplyItem]], on_find: Any) -> rx.Component:
    """A button, and `/` at the start of a line, open a list to search; what is chosen goes into the field."""
    icon = rx.icon("message-square-text", aria_hidden="true")
    return _CannedReplies.create(icon, found=found, on_find=on_find, settings=routes.REPLIES)


def emoji_picker() -> rx.Component:
    """A button that opens a few dozen emoji, walked with the arrow keys."""
    return _EmojiPicker.create(rx.icon("smile", aria_hidden="true"), emoji=[list(one) for one in EMOJI])


def schedule_choices(on_choose: Any) -> rx.Component:
    """Times to choose from, and the reader's zone; `on_choose` gets ISO 8601 in UTC and the text of the field."""
    return _ScheduleChoices.create(on_choose=on_choose)


def time_field(at: rx.Var[str], name: str, label: str) -> rx.Component:
    """A time on the reader's own clock; the form gets ISO 8601 in UTC as `name`."""
    return _TimeField.create(at=at, name=name, label=label)


def zone_name() -> rx.Component:
    """The reader's time zone."""
    return _ZoneName.create()
