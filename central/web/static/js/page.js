// What every page has: dialogs that buttons open, `?`, and times in the reader's own zone where the server knows only UTC.
import { show } from "./dialogs.js";
import { bind } from "./keys.js";

document.documentElement.classList.add("js");

/** Write `<time data-local>` in this browser's time zone; the evidence itself keeps its site's time. */
function localise(root) {
  for (const time of root.querySelectorAll("time[data-local]")) {
    const moment = new Date(time.dateTime);
    const two = (n) => String(n).padStart(2, "0");
    const day = `${moment.getFullYear()}-${two(moment.getMonth() + 1)}-${two(moment.getDate())}`;
    time.textContent = `${day} ${two(moment.getHours())}:${two(moment.getMinutes())}:${two(moment.getSeconds())}`;
    time.title = time.dateTime;
  }
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-open]");
  if (opener) show(opener.dataset.open);
  const closer = event.target.closest("[data-close]");
  if (closer) closer.closest("dialog").close();
});

// A form is sent once: a second Enter while the answer is on its way would be a second decision.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method === "dialog") return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

document.addEventListener("htmx:afterSwap", () => localise(document));
localise(document);
bind({ help: () => show("keys") });
