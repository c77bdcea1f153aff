// One place for keys: a page binds characters to actions, and no key acts while somebody types or a dialog is open.

const WRITES = new Set(["INPUT", "TEXTAREA", "SELECT"]);
const NOT_TEXT = new Set(["radio", "checkbox", "range", "button", "submit"]);

/** Whether `element` takes characters, so that keys are text and not commands. */
export function isWriting(element) {
  if (!element) return false;
  if (element.isContentEditable) return true;
  return WRITES.has(element.tagName) && !(element.tagName === "INPUT" && NOT_TEXT.has(element.type));
}

/** The dialog that is open on top, or null. */
export function openDialog() {
  return document.querySelector("dialog[open]");
}

/** Bind keys of the page: `{ j: () => ..., " ": () => ... }`. An action that returns false leaves the key alone. */
export function bind(actions) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || openDialog() || isWriting(event.target)) return;
    const action = actions[event.key];
    if (!action) return;
    // A focused button or link keeps its own Space and Enter: keyboard users rely on them.
    if ((event.key === " " || event.key === "Enter") && event.target.closest("button, a, summary")) return;
    if (event.target.type === "range" && event.key.startsWith("Arrow")) return;
    if (action(event) !== false) event.preventDefault();
  });
}
