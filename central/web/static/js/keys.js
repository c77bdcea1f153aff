// One place for keys. Which key does what is the table that `?` lists (central/web/keylist.py); scripts give the actions.

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

/** The table of this page: the name of an action by key. */
export function table() {
  return JSON.parse(document.getElementById("keys")?.dataset.keys ?? "{}");
}

/**
 * Bind the keys of the table whose actions are in `actions`, by name. One that returns false leaves the key alone.
 * `whole` says that nobody else binds the rest: then a key without an action, or the reverse, is a fault.
 */
export function bind(actions, { whole = false, known = [] } = {}) {
  const does = table();
  if (whole) {
    const names = new Set(Object.values(does));
    for (const name of names) if (!actions[name] && !known.includes(name)) console.error(`no action for key ${name}`);
    for (const name of Object.keys(actions)) if (!names.has(name)) console.error(`no key for action ${name}`);
  }
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || openDialog() || isWriting(event.target)) return;
    const action = actions[Object.hasOwn(does, event.key) ? does[event.key] : ""];
    if (!action) return;
    // A focused button or link keeps its own Space and Enter: keyboard users rely on them.
    if ((event.key === " " || event.key === "Enter") && event.target.closest("button, a, summary")) return;
    if (event.target.type === "range" && event.key.startsWith("Arrow")) return;
    if (action(event) !== false) event.preventDefault();
  });
}
