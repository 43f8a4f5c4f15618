"""How long something still lasts, counted by the browser: no request to the server while it ticks."""

from typing import Any

import reflex as rx

from tenant_portal.ui.components.basics import Text

# Each second in the last hour, twice a minute before. A tab in the back is called late, so the clock counts.
SCRIPT = """
const leftText = (seconds) => {
  const hours = Math.floor(seconds / 3600), minutes = Math.floor(seconds / 60) % 60;
  if (hours >= 3) return `${hours} h left`;
  if (hours) return `${hours} h ${minutes} min left`;
  return `${minutes}:${String(seconds % 60).padStart(2, "0")} left`;
};
function Countdown({ until, prefix, ended, onEnd }) {
  const [now, setNow] = useState(() => Date.now());
  const told = useRef("");
  const left = Math.max(0, Math.ceil((new Date(until).getTime() - now) / 1000));
  useEffect(() => {
    if (left === 0) {
      if (told.current !== until) { told.current = until; onEnd && onEnd(); }
      return;
    }
    const timer = setTimeout(() => setNow(Date.now()), left > 3660 ? 30000 : 1000);
    return () => clearTimeout(timer);
  }, [until, now, left]);
  const tone = left === 0 ? "neutral" : left <= 3600 ? "warn" : "good";
  const text = left === 0 ? ended : `${prefix}${leftText(left)}`;
  const title = new Date(until).toLocaleString("en", { dateStyle: "full", timeStyle: "short" });
  return createElement("span", { className: `badge badge-${tone} countdown num`, title, role: "timer" }, text);
}
"""


class _Countdown(rx.Component):
    tag = "Countdown"
    until: rx.Var[str]
    prefix: rx.Var[str]
    ended: rx.Var[str]
    on_end: rx.EventHandler[rx.event.no_args_event_spec]  # type: ignore[valid-type, type-arg]

    def add_imports(self) -> Any:
        """What SCRIPT uses."""
        return {"react": ["createElement", "useEffect", "useRef", "useState"]}

    def add_custom_code(self) -> list[str]:
        """SCRIPT itself."""
        return [SCRIPT]


def countdown(until: Text, *, prefix: str = "", ended: str, on_end: Any) -> rx.Component:
    """`23 h left`, from three hours on `2 h 5 min left`, in the last `4:09 left`, then `ended`.

    `until` is ISO 8601; `on_end` is called once, when it ends.
    """
    return _Countdown.create(until=until, prefix=prefix, ended=ended, on_end=on_end)
