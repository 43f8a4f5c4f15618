"""Messages that were found, the labels of the open thread, and the way back to its newest messages."""

from typing import Any

import reflex as rx

from tenant_portal.ui.components import button
from tenant_portal.ui.components.channel_marks import channel_mark
from tenant_portal.ui.components.local_time import short_time
from tenant_portal.ui.pages.inbox.find_state import FindState
from tenant_portal.ui.pages.inbox.found_state import FoundState, HitItem, PartItem
from tenant_portal.ui.pages.inbox.state import InboxState
from tenant_portal.ui.pages.leads.items import LabelItem

# The log fills from below: at the newest message it is scrolled by nothing.
SCRIPT = """
function AtFound({ found, thread, count }) {
  const shown = useRef("");
  useEffect(() => {
    const line = found && document.getElementById("message-" + found);
    if (!line || shown.current === thread + found) return;
    shown.current = thread + found;
    line.scrollIntoView({ block: "center" });
  }, [found, thread, count]);
  return null;
}
function ToNewest({ newest, newer, onNewest }) {
  const [isAway, setAway] = useState(false);
  const [left, setLeft] = useState("");
  const [unseen, setUnseen] = useState(0);
  const newestNow = useRef(newest);
  newestNow.current = newest;
  useEffect(() => {
    const log = document.querySelector(".log");
    if (!log) return;
    const look = () => {
      const away = Math.abs(log.scrollTop) > 120;
      setAway(away);
      setLeft((before) => (away ? before || newestNow.current : ""));
    };
    look();
    log.addEventListener("scroll", look, { passive: true });
    return () => log.removeEventListener("scroll", look);
  }, []);
  useEffect(() => {
    // After the drawing: before, the message that has just come is not among the lines.
    const lines = [...document.querySelectorAll(".log [data-message]")].map((line) => line.dataset.message);
    setUnseen(lines.includes(left) ? lines.length - 1 - lines.indexOf(left) : 0);
  }, [left, newest]);
  if (!isAway && !newer) return null;
  const count = newer || (unseen ? String(unseen) : "");
  const go = () => {
    if (newer) onNewest();
    document.querySelector(".log").scrollTo({ top: 0 });
  };
  return createElement("button", { type: "button", className: "to-newest", onClick: go },
    createElement("span", { "aria-hidden": "true" }, "\\u2193"),
    count ? count + " newer" : "Newest");
}
"""


class _Scripted(rx.Component):
    def add_imports(self) -> Any:
        """What SCRIPT uses."""
        return {"react": ["createElement", "useEffect", "useRef", "useState"]}

    def add_custom_code(self) -> list[str]:
        """SCRIPT itself."""
        return [SCRIPT]


class _AtFound(_Scripted):
    tag = "AtFound"
    found: rx.Var[str]
    thread: rx.Var[str]
    count: rx.Var[int]


class _ToNewest(_Scripted):
    tag = "ToNewest"
    newest: rx.Var[str]
    newer: rx.Var[str]
    on_newest: rx.EventHandler[rx.event.no_args_event_spec]  # type: ignore[valid-type, type-arg]


def place_in_thread() -> rx.Component:
    """Scrolls to the message that was found, and leads back to the newest."""
    messages = InboxState.messages
    return rx.fragment(
        _AtFound.create(found=FoundState.found_id, thread=InboxState.thread.id, count=messages.length()),
        _ToNewest.create(
            key=InboxState.thread.id,
            newest=rx.cond(messages.length() > 0, messages[-1].id, ""),
            newer=FoundState.newer,
            on_newest=FindState.to_newest,
        ),
    )


def later_messages() -> rx.Component:
    """Below the messages of a page in the middle of a thread."""
    later = button("Show later messages", on_click=FindState.show_later, look="quiet", small=True)
    return rx.cond(FoundState.newer != "", rx.el.div(later, class_name="list-more"))


def found_messages() -> rx.Component:
    """Messages with the words that are looked for; each opens its thread there."""
    return rx.cond(
        FoundState.hits.length() > 0,
        rx.el.div(
            rx.el.h3("Messages", class_name="found-title"),
            rx.el.ul(rx.foreach(FoundState.hits, _hit), class_name="threads"),
            rx.cond(
                FoundState.has_more_hits,
                rx.el.div(
                    button("Show more messages", on_click=FindState.more_hits, look="quiet"), class_name="list-more"
                ),
            ),
        ),
    )


def _hit(item: rx.Var[HitItem]) -> rx.Component:
    return rx.el.li(
        rx.el.button(
            rx.el.span(
                channel_mark(item.channel),
                rx.el.span(item.name, class_name="thread-name truncate grow"),
                short_time(item.at),
                class_name="thread-line",
            ),
            rx.el.span(
                rx.cond(item.is_ours, rx.el.span("You: ", class_name="thread-you")),
                rx.foreach(item.parts, _part),
                class_name="hit-text",
            ),
            type="button",
            on_click=FindState.open_hit(item.id),
            class_name="hit",
            aria_current=rx.cond(FoundState.found_id == item.id, "true", "false"),
        ),
        key=item.id,
    )


def _part(item: rx.Var[PartItem]) -> rx.Component:
    return rx.cond(item.is_hit, rx.el.mark(item.text), rx.el.span(item.text))


def label_filter() -> rx.Component:
    """Only there where the client has labels."""
    return rx.cond(
        FoundState.labels.length() > 0,
        rx.el.select(
            rx.el.option("All labels", value=""),
            rx.foreach(FoundState.labels, lambda item: rx.el.option(item.name, value=item.id)),
            value=FoundState.label_id,
            on_change=FindState.set_label,
            aria_label="Label",
            class_name="select",
        ),
    )


def thread_labels() -> rx.Component:
    """The labels of the open thread's lead, and a box to put them on and take them off."""
    trigger = rx.el.button(
        rx.icon("tag", size=13, aria_hidden="true"),
        rx.el.span("Labels"),
        type="button",
        class_name="label-chip label-button tone-off",
    )
    return rx.cond(
        FoundState.thread_labels.length() > 0,
        rx.el.div(
            rx.foreach(FoundState.thread_labels, _label_on),
            rx.popover.root(
                rx.popover.trigger(trigger),
                rx.popover.content(
                    rx.el.div(
                        rx.foreach(FoundState.thread_labels, _label_choice),
                        class_name="label-row",
                        role="group",
                        aria_label="Labels of this person",
                    ),
                    aria_label="Labels",
                    size="1",
                    class_name="label-box",
                ),
            ),
            class_name="label-row thread-labels",
        ),
    )


def _label_on(item: rx.Var[LabelItem]) -> rx.Component:
    chip = rx.el.span(item.name, class_name=rx.Var.create("label-chip tone-") + item.colour)
    return rx.cond(item.is_on, chip)


def _label_choice(item: rx.Var[LabelItem]) -> rx.Component:
    return rx.el.button(
        rx.cond(item.is_on, rx.icon("check", size=12, aria_hidden="true")),
        item.name,
        type="button",
        aria_pressed=rx.cond(item.is_on, "true", "false"),
        on_click=FindState.toggle_label(item.id),
        class_name=rx.Var.create("label-chip label-button tone-") + rx.cond(item.is_on, item.colour, "off"),
        key=item.id,
    )
