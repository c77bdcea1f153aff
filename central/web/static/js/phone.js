// A station's own telephone: new messages come by themselves, and nothing is taken away from somebody who writes.

const EVERY_MS = 10_000;
const list = document.getElementById("phone-messages");
const stale = document.getElementById("phone-stale");
const fresh = document.getElementById("phone-new");
const NAME = "sightline-station-name";
const numbers = (root) => [...root.querySelectorAll("[data-message]")].map((one) => one.dataset.message);

function named() {
  for (const one of list.querySelectorAll("input[name=name]")) one.value ||= localStorage.getItem(NAME) ?? "";
}

function writing() {
  const kept = localStorage.getItem(NAME) ?? "";
  const some = [...list.querySelectorAll("input[type=text]")];
  return some.some((one) => one === document.activeElement || (one.value && one.value !== kept));
}

async function ask() {
  try {
    const answer = await fetch("/s", { cache: "no-store", redirect: "manual" });
    if (answer.status === 404) return location.reload();
    if (!answer.ok) throw new Error(answer.status);
    put(new DOMParser().parseFromString(await answer.text(), "text/html"));
    stale.hidden = true;
  } catch {
    stale.hidden = false;
  }
  setTimeout(ask, EVERY_MS);
}

function put(page) {
  const there = page.getElementById("phone-messages");
  const known = new Set(numbers(list));
  const came = numbers(there).some((one) => !known.has(one));
  if (came) {
    fresh.textContent = fresh.dataset.says;
    navigator.vibrate?.([300, 150, 300]);
    document.title = `(!) ${document.title.replace(/^\(!\) /, "")}`;
  }
  // Whoever writes goes on writing; a message that came stands above.
  const add = [...there.querySelectorAll("[data-message]")].filter((one) => !known.has(one.dataset.message));
  if (!writing()) list.replaceChildren(...[...there.childNodes].map((one) => document.importNode(one, true)));
  else if (add.length) list.querySelector("ul").prepend(...add.map((one) => document.importNode(one, true)));
  named();
}

if (list) {
  named();
  list.addEventListener("submit", (event) => localStorage.setItem(NAME, event.target.elements.name.value));
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") document.title = document.title.replace(/^\(!\) /, "");
  });
  setTimeout(ask, EVERY_MS);
}
