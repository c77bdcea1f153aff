// The stage shows one thing at a time, or two or four stills beside each other. Tabs below it, digits on the keyboard.

const PANES = [1, 2, 4];

/** Make `root`'s stage work; returns what the keys need. `first` is the id to begin with, if it is there. */
export function stage(root, first) {
  const floor = root.querySelector("[data-stage]");
  const frames = [...root.querySelectorAll("[data-stage] > .frame")];
  const stills = frames.filter((one) => one.id !== "clip");
  const tabs = [...root.querySelectorAll("[data-strip] [role=tab]")];
  const button = root.querySelector("[data-do=compare]");
  let current = null;
  let panes = 1;

  function paint() {
    const many = current === "clip" ? 1 : panes;
    const begin = Math.min(stills.findIndex((one) => one.id === current), Math.max(0, stills.length - many));
    const shown = many > 1 ? stills.slice(begin, begin + many) : frames.filter((one) => one.id === current);
    for (const one of frames) one.hidden = !shown.includes(one);
    if (floor) floor.dataset.panes = String(many);
    button?.setAttribute("aria-pressed", String(panes > 1));
    for (const tab of tabs) {
      const chosen = tab.getAttribute("aria-controls") === current;
      tab.setAttribute("aria-selected", String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
    }
    const video = root.querySelector("video");
    if (current !== "clip") video?.pause();
    // Nothing of the clip is fetched before somebody wants to see it: fetching it is a look of its own.
    else if (video?.preload === "none") video.preload = "auto";
  }

  function show(id) {
    if (!frames.some((one) => one.id === id)) return false;
    current = id;
    paint();
    return true;
  }

  /** One still, two, four, and one again; as many as there are. */
  function compare() {
    if (stills.length < 2) return false;
    const possible = PANES.filter((many) => many === 1 || stills.length >= many);
    panes = possible[(possible.indexOf(panes) + 1) % possible.length];
    if (current === "clip") current = stills[0].id;
    paint();
    return true;
  }

  for (const [place, tab] of tabs.entries()) {
    tab.addEventListener("click", () => show(tab.getAttribute("aria-controls")));
    tab.addEventListener("keydown", (event) => {
      const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!by) return;
      event.stopPropagation();
      event.preventDefault();
      const to = tabs[(place + by + tabs.length) % tabs.length];
      to.focus();
      show(to.getAttribute("aria-controls"));
    });
  }
  if (!first || !show(first)) show(frames[0]?.id);
  return { show, compare, current: () => current };
}
