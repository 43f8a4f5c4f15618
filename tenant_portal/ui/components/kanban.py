"""A board whose cards are moved between columns, with a pointer or by keyboard.

Columns carry `data-column` and `data-column-name`, cards `data-card` and `data-card-name`, and each card holds a
`grip`. The board itself moves nothing: it says what was wanted, and shows what the state says then.
"""

from typing import Any

import reflex as rx
from reflex.event import passthrough_event_spec

from tenant_portal.ui.components.basics import Text

SCRIPT = """
const TRAVEL = 6;
const PICKED_UP = " is picked up. Arrow keys choose the stage, Enter puts it down, Escape leaves it.";
function Board({ onMove, children, className }) {
  const root = useRef(null);
  const drag = useRef(null);
  const held = useRef(null);
  const focus = useRef(null);
  const [words, say] = useState("");
  const card = (node) => node.closest && node.closest("[data-card]");
  const columnOf = (node) => node && node.closest && node.closest("[data-column]");
  const columns = () => [...root.current.querySelectorAll("[data-column]")];
  const light = (target) => columns().forEach((one) => one.toggleAttribute("data-target", one === target));
  const move = (moved, target) => {
    const from = columnOf(moved);
    if (!target || target === from) return say(moved.dataset.cardName + " stays where it is.");
    say(moved.dataset.cardName + " is moved to " + target.dataset.columnName + ".");
    onMove(moved.dataset.card, target.dataset.column);
  };
  // A card that was moved by keyboard is drawn anew in its column: the focus follows it there.
  useEffect(() => {
    const follow = () => {
      if (!focus.current || document.activeElement !== document.body) return;
      const grip = root.current.querySelector(`[data-card="${CSS.escape(focus.current)}"] [data-grip]`);
      if (grip) grip.focus();
      focus.current = null;
    };
    const watching = new MutationObserver(follow);
    watching.observe(root.current, { childList: true, subtree: true });
    return () => watching.disconnect();
  }, []);
  const letGo = () => {
    if (drag.current && drag.current.ghost) {
      drag.current.ghost.remove();
      drag.current.card.removeAttribute("data-dragged");
    }
    drag.current = null;
    light(null);
  };
  const onPointerDown = (event) => {
    const grabbed = card(event.target);
    const isGrip = event.target.closest("[data-grip]");
    // A finger on a card scrolls; only its grip drags. A mouse drags the whole card.
    if (!grabbed || event.button !== 0 || (event.pointerType !== "mouse" && !isGrip)) return;
    if (!isGrip && event.target.closest("a, button, select, input")) return;
    drag.current = { card: grabbed, x: event.clientX, y: event.clientY, ghost: null };
    root.current.setPointerCapture(event.pointerId);
  };
  const onPointerMove = (event) => {
    const now = drag.current;
    if (!now) return;
    if (!now.ghost) {
      if (Math.hypot(event.clientX - now.x, event.clientY - now.y) < TRAVEL) return;
      const box = now.card.getBoundingClientRect();
      now.ghost = now.card.cloneNode(true);
      now.ghost.removeAttribute("data-card");
      now.ghost.setAttribute("aria-hidden", "true");
      now.ghost.inert = true;
      now.ghost.className += " card-ghost";
      now.ghost.style.width = box.width + "px";
      now.dx = now.x - box.left;
      now.dy = now.y - box.top;
      root.current.append(now.ghost);
      now.card.setAttribute("data-dragged", "");
    }
    now.ghost.style.transform = `translate(${event.clientX - now.dx}px, ${event.clientY - now.dy}px) rotate(1.5deg)`;
    light(columnOf(document.elementFromPoint(event.clientX, event.clientY)));
    const edge = root.current.getBoundingClientRect();
    if (event.clientX > edge.right - 40) root.current.scrollLeft += 12;
    if (event.clientX < edge.left + 40) root.current.scrollLeft -= 12;
  };
  const onPointerUp = (event) => {
    const now = drag.current;
    if (!now) return;
    const target = now.ghost && columnOf(document.elementFromPoint(event.clientX, event.clientY));
    const moved = now.ghost && now.card;
    letGo();
    if (moved && target) move(moved, target);
  };
  const drop = () => {
    if (held.current) held.current.card.removeAttribute("data-held");
    held.current = null;
    light(null);
  };
  const onKeyDown = (event) => {
    const grip = event.target.closest("[data-grip]");
    if (!grip) return;
    const isPress = event.key === " " || event.key === "Enter";
    if (!held.current) {
      if (!isPress) return;
      event.preventDefault();
      const taken = card(grip);
      held.current = { card: taken, at: columns().indexOf(columnOf(taken)) };
      taken.setAttribute("data-held", "");
      light(columnOf(taken));
      return say(taken.dataset.cardName + PICKED_UP);
    }
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      const all = columns();
      held.current.at = Math.min(Math.max(held.current.at + step, 0), all.length - 1);
      const target = all[held.current.at];
      light(target);
      target.scrollIntoView({ block: "nearest", inline: "nearest" });
      return say(target.dataset.columnName);
    }
    if (isPress) {
      event.preventDefault();
      const { card: moved, at } = held.current;
      drop();
      focus.current = moved.dataset.card;
      return move(moved, columns()[at]);
    }
    if (event.key === "Escape") {
      event.preventDefault();
      const name = held.current.card.dataset.cardName;
      drop();
      say(name + " stays where it is.");
    }
  };
  return createElement(
    "div",
    {
      ref: root, className, onPointerDown, onPointerMove, onPointerUp, onPointerCancel: letGo, onKeyDown,
      onBlur: (event) => held.current && event.target.closest("[data-grip]") && drop(),
    },
    children,
    createElement("div", { role: "status", "aria-live": "assertive", className: "visually-hidden" }, words),
  );
}
"""


class _Board(rx.Component):
    """Drawn by SCRIPT."""

    tag = "Board"
    on_move: rx.EventHandler[passthrough_event_spec(str, str)]  # type: ignore[valid-type, type-arg]

    def add_imports(self) -> Any:
        """What SCRIPT uses."""
        return {"react": ["createElement", "useEffect", "useRef", "useState"]}

    def add_custom_code(self) -> list[str]:
        """SCRIPT itself."""
        return [SCRIPT]


def board(*columns: rx.Component, on_move: Any) -> rx.Component:
    """The board. `on_move` receives the ids of the card and of the column where it was put down."""
    return _Board.create(*columns, on_move=on_move, class_name="board")


def column(*body: rx.Component, column_id: rx.Var[str], name: rx.Var[str]) -> rx.Component:
    """A column of cards."""
    return rx.el.section(
        *body,
        key=column_id,
        aria_label=name,
        custom_attrs={"data-column": column_id, "data-column-name": name},
        class_name="board-column",
    )


def card(*body: rx.Component, card_id: rx.Var[str], name: rx.Var[str]) -> rx.Component:
    """A card; it should hold a `grip`."""
    return rx.el.li(
        *body, key=card_id, custom_attrs={"data-card": card_id, "data-card-name": name}, class_name="board-card"
    )


def grip(name: Text) -> rx.Component:
    """What picks a card up by keyboard, and under a finger."""
    return rx.el.button(
        rx.icon("grip-vertical", size=16, aria_hidden="true"),
        type="button",
        aria_label=rx.Var.create("Move ") + name,
        title="Drag, or press Enter and choose with the arrow keys",
        custom_attrs={"data-grip": ""},
        class_name="board-grip",
    )
