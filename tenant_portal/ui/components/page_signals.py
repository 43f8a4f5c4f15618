"""What tells a person who looks elsewhere: the number in title and icon, notifications of the browser, a sound."""

from typing import Any

import reflex as rx

# Two short tones, made by the browser itself: no file to fetch.
CHIME = """
const chime = () => {
  const context = new AudioContext(), volume = context.createGain();
  volume.gain.value = 0.08;
  volume.connect(context.destination);
  [880, 1174.7].forEach((frequency, n) => {
    const tone = context.createOscillator(), start = context.currentTime + n * 0.12;
    tone.frequency.value = frequency;
    tone.connect(volume);
    tone.start(start);
    tone.stop(start + 0.11);
    if (n) tone.onended = () => context.close();
  });
};
"""
# Every tab hears of every message. What was told is written down for all of them under a lock, so that one tells it; a
# tab that shows a thread holds a lock named after it, which the browser gives back even if the tab dies.
SIGNALS = """
const countText = (count) => count > 99 ? "99+" : String(count);
const TOLD = "portal-told", MOST_TOLD = 200;
const claim = (kind, ids) => navigator.locks.request(TOLD, () => {
  const told = JSON.parse(localStorage.getItem(TOLD) || "[]");
  const fresh = ids.map((id) => `${kind}:${id}`).filter((one) => !told.includes(one));
  if (fresh.length) localStorage.setItem(TOLD, JSON.stringify([...told, ...fresh].slice(-MOST_TOLD)));
  return ids.filter((id) => fresh.includes(`${kind}:${id}`));
});
const inSight = async () => new Set((await navigator.locks.query()).held.map((lock) => lock.name));
const show = (one, open) => {
  try {
    const shown = new Notification(one.title, { body: one.text, tag: one.id });
    shown.onclick = () => { window.focus(); open(one.href); shown.close(); };
  } catch (error) { /* Phones let only service workers show one. */ }
};
const tellNews = async (news, playsSound, open) => {
  if (!navigator.locks) return;
  const seen = await inSight(), ids = news.map((one) => one.id);
  const elsewhere = (fresh) => news.filter((one) => fresh.includes(one.id) && !seen.has(one.href));
  // What came in before somebody allowed notifications is not shown afterwards.
  const toShow = elsewhere(await claim("shown", ids));
  if (window.Notification && Notification.permission === "granted") toShow.forEach((one) => show(one, open));
  // A page that nobody has touched may not sound, so it leaves that to another.
  const mayPlay = !navigator.userActivation || navigator.userActivation.hasBeenActive;
  if (playsSound && mayPlay && elsewhere(await claim("sounded", ids)).length) chime();
};
const writeTitle = (count) => {
  const plain = document.title.replace(/^\\(\\d+\\+?\\)\\s*/, "");
  const wanted = count ? `(${countText(count)}) ${plain}` : plain;
  // Without one, between two pages, it would be written again and again.
  if (plain && document.title !== wanted) document.title = wanted;
};
const badge = (count) => `<circle cx="22" cy="22" r="10" fill="#ce2c31"/><text x="22" y="26.5" text-anchor="middle"
  font-family="sans-serif" font-weight="700" font-size="13" fill="#fff">${count > 9 ? "9+" : count}</text></svg>`;
let plainIcon;
const drawIcon = async (count) => {
  const link = document.querySelector("link[rel=icon]");
  if (!link) return;
  plainIcon = plainIcon || fetch("/favicon.svg").then((answer) => answer.text());
  const drawn = count ? (await plainIcon).replace("</svg>", badge(count)) : "";
  return () => { link.href = drawn ? `data:image/svg+xml,${encodeURIComponent(drawn)}` : "/favicon.svg"; };
};
const useUnread = (unread) => {
  useEffect(() => {
    // A page that opens writes its own title.
    const watcher = new MutationObserver(() => writeTitle(unread));
    writeTitle(unread);
    watcher.observe(document.head, { childList: true, subtree: true, characterData: true });
    return () => watcher.disconnect();
  }, [unread]);
  useEffect(() => {
    let isCurrent = true;
    drawIcon(unread).then((draw) => isCurrent && draw && draw()).catch(() => { plainIcon = undefined; });
    return () => { isCurrent = false; };
  }, [unread]);
};
const useInSight = (path) => {
  const [isVisible, setVisible] = useState(false);
  useEffect(() => {
    const look = () => setVisible(document.visibilityState === "visible");
    look();
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
  }, []);
  useEffect(() => {
    if (!isVisible || !navigator.locks) return;
    let release;
    const released = new Promise((resolve) => { release = resolve; });
    navigator.locks.request(path.replace(/\\/$/, ""), { mode: "shared" }, () => released);
    return release;
  }, [path, isVisible]);
};
function PageSignals({ unread, news, playsSound }) {
  const { pathname } = useLocation(), navigate = useNavigate();
  useUnread(unread);
  useInSight(pathname);
  useEffect(() => { if (news.length) tellNews(news, playsSound, navigate); }, [news]);
  return null;
}
"""
PERMISSION = """
const mayNotify = () => !window.Notification || !navigator.locks ? "missing" : Notification.permission;
const PERMISSION_WORDS = {
  missing: "This browser cannot show notifications here.",
  granted: "This browser may show notifications.",
  denied: "This browser blocks notifications. Allow them in its settings for this site, beside the address.",
  default: "This browser has not been allowed to show notifications yet.",
};
function NotificationPermission() {
  const [permission, setPermission] = useState("");
  useEffect(() => setPermission(mayNotify()), []);
  const ask = () => Notification.requestPermission().then(setPermission);
  return createElement("div", { className: "row row-wrap" },
    createElement("span", { className: "soft grow", role: "status", style: { minWidth: "14rem" } },
      PERMISSION_WORDS[permission]),
    permission === "default" && createElement("button",
      { type: "button", className: "button button-plain", onClick: ask }, "Allow in this browser"));
}
function ChimeButton() {
  return createElement("button",
    { type: "button", className: "button button-quiet button-small", onClick: chime }, "Hear it");
}
"""


class _PageSignals(rx.Component):
    tag = "PageSignals"
    unread: rx.Var[int]
    news: rx.Var[list[Any]]
    plays_sound: rx.Var[bool]

    def add_imports(self) -> Any:
        """What SIGNALS uses."""
        return {"react": ["useEffect", "useState"], "react-router": ["useLocation", "useNavigate"]}

    def add_custom_code(self) -> list[str]:
        """CHIME and SIGNALS themselves."""
        return [CHIME, SIGNALS]


class _Asking(rx.Component):
    """Drawn by PERMISSION, which stands once in the page that needs it."""

    def add_imports(self) -> Any:
        """What PERMISSION uses."""
        return {"react": ["createElement", "useEffect", "useState"]}

    def add_custom_code(self) -> list[str]:
        """CHIME and PERMISSION themselves."""
        return [CHIME, PERMISSION]


class _NotificationPermission(_Asking):
    tag = "NotificationPermission"


class _ChimeButton(_Asking):
    tag = "ChimeButton"


def page_signals(unread: rx.Var[int], news: Any, plays_sound: rx.Var[bool]) -> rx.Component:
    """Stands once around all pages. `news` are items with `id`, `title`, `text` and `href`; each is told once."""
    return _PageSignals.create(unread=unread, news=news, plays_sound=plays_sound)


def notification_permission() -> rx.Component:
    """Whether this browser may notify, and the button that asks it: browsers want a click for that."""
    return _NotificationPermission.create()


def chime_button() -> rx.Component:
    """Plays the sound, so that one knows it."""
    return _ChimeButton.create()
