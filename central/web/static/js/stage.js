// The stage shows one thing at a time: a still or the clip. Tabs below it, digits on the keyboard.

/** Make `root`'s stage work; returns what the keys need. `first` is the id to begin with, if it is there. */
export function stage(root, first) {
  const frames = [...root.querySelectorAll("[data-stage] > .frame")];
  const tabs = [...root.querySelectorAll("[data-strip] [role=tab]")];
  let current = null;

  function show(id) {
    const frame = frames.find((one) => one.id === id);
    if (!frame) return false;
    current = id;
    for (const one of frames) one.hidden = one !== frame;
    for (const tab of tabs) {
      const chosen = tab.getAttribute("aria-controls") === id;
      tab.setAttribute("aria-selected", String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
    }
    if (id !== "clip") root.querySelector("video")?.pause();
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
  return { show, current: () => current };
}
