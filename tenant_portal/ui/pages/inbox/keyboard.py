"""What the browser does by itself: one-key shortcuts, whether the tab is seen, times of the reader's own clock."""

from typing import Any

import reflex as rx
from reflex.event import passthrough_event_spec

KEYS = (
    ("j / k", "Next or previous conversation"),
    ("Enter", "Open it"),
    ("x", "Pick it, for many at once"),
    ("r", "Write an answer"),
    ("n", "Write a note"),
    ("e", "Close, or open again"),
    ("a", "Assign"),
    ("s", "Snooze"),
    ("u", "Mark as unread"),
    ("/", "Search; at the start of a line of your answer: canned replies"),
    ("Esc", "Leave the field or the dialog"),
    ("?", "This list"),
)
# Pages mark what a key presses with data-key. Nothing happens while something is typed, chosen or asked.
SCRIPT = """
const fields = "input:not([type=checkbox]), textarea, select, [contenteditable=true], [role=dialog], dialog";
const inField = (target) => target.closest && target.closest(fields);
const isShown = (element) => element.offsetParent !== null;
const shown = (name) => {
  const found = [...document.querySelectorAll(`[data-key="${name}"]`)].filter(isShown);
  return found.find((element) => element.matches("textarea")) || found[0];
};
const moveTo = (step) => {
  const threads = [...document.querySelectorAll(".inbox-list a.thread-link")].filter(isShown);
  const focused = threads.findIndex((one) => one.parentElement.contains(document.activeElement));
  const open = threads.findIndex((one) => one.getAttribute("aria-current") === "true");
  const from = focused >= 0 ? focused : open;
  const next = threads[from < 0 ? 0 : Math.min(Math.max(from + step, 0), threads.length - 1)];
  if (next) next.focus();
};
const pickFocused = () => {
  const line = document.activeElement.closest(".threads li");
  const box = line && line.querySelector("input[type=checkbox]");
  if (box) box.click();
};
const keyActions = {
  j: () => moveTo(1),
  k: () => moveTo(-1),
  x: pickFocused,
  "?": () => document.getElementById("keys").showModal(),
};
const focusLater = (key, end) => {
  const field = shown(key);
  if (field && field.matches("textarea")) field.focus();
  else if (Date.now() < end) requestAnimationFrame(() => focusLater(key, end));
};
const press = (key) => {
  if (keyActions[key]) return keyActions[key](), true;
  const element = shown(key);
  if (!element) return false;
  if (element.matches("textarea, input, select")) element.focus();
  else element.click();
  if (element.matches(".composer-tab")) focusLater(key, Date.now() + 2000);
  if (element.matches("select") && element.showPicker) element.showPicker();
  return true;
};
const onKey = (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  const field = inField(event.target);
  if (field && event.key === "Escape" && field.matches("input, textarea")) return field.blur();
  if (!field && !document.querySelector("[role=dialog], dialog[open]") && press(event.key)) event.preventDefault();
};
function InboxKeys() {
  useEffect(() => {
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);
  return null;
}
function TabInSight({ onLook, about }) {
  useEffect(() => {
    const tell = () => onLook(document.visibilityState === "visible");
    tell();
    document.addEventListener("visibilitychange", tell);
    window.addEventListener("focus", tell);
    return () => {
      document.removeEventListener("visibilitychange", tell);
      window.removeEventListener("focus", tell);
    };
  }, [about]);
  return null;
}
const at = (days, hour) => {
  const day = new Date();
  day.setDate(day.getDate() + days);
  day.setHours(hour, 0, 0, 0);
  return day;
};
const snoozeChoices = () => {
  const now = new Date();
  const toMonday = (8 - now.getDay()) % 7 || 7;
  return [
    ["In three hours", new Date(now.getTime() + 3 * 3600000)],
    ["Tomorrow morning", at(1, 9)],
    ["Monday morning", at(toMonday, 9)],
  ];
};
function SnoozeChoices({ onChoose, verb = "Snooze" }) {
  const name = useId();
  // What is chosen closes the box as Escape does.
  const choose = (until) => {
    onChoose(until);
    document.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
  };
  const words = (time) => time.toLocaleString("en", { weekday: "short", hour: "numeric", minute: "2-digit" });
  const own = (event) => {
    event.preventDefault();
    const typed = new FormData(event.target).get("until");
    choose(typed ? new Date(typed).toISOString() : "");
  };
  return createElement("div", { className: "snooze" },
    snoozeChoices().map(([label, time]) =>
      createElement("button", {
        key: label, type: "button", className: "snooze-choice", onClick: () => choose(time.toISOString()),
      },
        createElement("span", null, label), createElement("span", { className: "soft num" }, words(time)))),
    createElement("form", { className: "snooze-own", onSubmit: own },
      createElement("label", { htmlFor: name, className: "field-label" }, "Another time"),
      createElement("div", { className: "row" },
        createElement("input", { id: name, name: "until", type: "datetime-local", required: true, className: "input" }),
        createElement("button", { type: "submit", className: "button button-plain" }, verb))));
}
const mention = (handle) => {
  const field = document.getElementById("note-body");
  const [start, end] = [field.selectionStart, field.selectionEnd];
  const before = field.value.slice(0, start);
  field.setRangeText((before && !/\\s$/.test(before) ? " " : "") + handle, start, end, "end");
  field.focus();
};
function MentionButton({ handle, name }) {
  return createElement("button", { type: "button", className: "mention", onClick: () => mention(handle) }, "@" + name);
}
"""


class _Scripted(rx.Component):
    """Drawn by SCRIPT, which stands once in each page that needs it."""

    def add_imports(self) -> Any:
        """What SCRIPT uses."""
        return {"react": ["createElement", "useEffect", "useId"]}

    def add_custom_code(self) -> list[str]:
        """SCRIPT itself."""
        return [SCRIPT]


class _InboxKeys(_Scripted):
    tag = "InboxKeys"


class _TabInSight(_Scripted):
    tag = "TabInSight"
    about: rx.Var[str]
    on_look: rx.EventHandler[passthrough_event_spec(bool)]  # type: ignore[valid-type, type-arg]


class _SnoozeChoices(_Scripted):
    tag = "SnoozeChoices"
    on_choose: rx.EventHandler[passthrough_event_spec(str)]  # type: ignore[valid-type, type-arg]


class _MentionButton(_Scripted):
    tag = "MentionButton"
    handle: rx.Var[str]
    name: rx.Var[str]


def shortcuts() -> rx.Component:
    """Listens to keys as long as the page is there, and holds the list of them."""
    lines = [rx.fragment(rx.el.dt(rx.el.kbd(keys)), rx.el.dd(text)) for keys, text in KEYS]
    close = rx.el.form(
        rx.el.button("Close", type="submit", class_name="button button-plain", custom_attrs={"formMethod": "dialog"})
    )
    sheet = rx.el.dialog(
        rx.el.h2("Keyboard", class_name="panel-title", id="keys-title"),
        rx.el.dl(*lines, class_name="keys"),
        close,
        id="keys",
        class_name="key-sheet",
        custom_attrs={"aria-labelledby": "keys-title"},
    )
    return rx.fragment(_InboxKeys.create(), sheet)


def tab_in_sight(on_look: Any, about: rx.Var[str]) -> rx.Component:
    """Tells whether the tab is seen: at once, whenever that changes, and anew for another thread (`about`)."""
    return _TabInSight.create(on_look=on_look, about=about)


def snooze_choices(on_choose: Any) -> rx.Component:
    """Times to choose from and a field for another one; `on_choose` gets ISO 8601 in UTC."""
    return _SnoozeChoices.create(on_choose=on_choose)


def mention_button(handle: rx.Var[str], name: rx.Var[str]) -> rx.Component:
    """Puts a colleague's name into the note."""
    return _MentionButton.create(handle=handle, name=name)


def key(name: str) -> dict[str, str]:
    """Attributes of what this key presses; the name stands in the help sheet."""
    return {"data-key": name, "aria-keyshortcuts": name}
