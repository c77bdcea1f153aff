// What the party writes stays in this tab until it was received: a pass that ends, or a page that is left, loses nothing.
// It is in no other tab, goes with this one, and is forgotten when the person leaves.

const name = (number) => `sightline-draft:${number}`;

/** Storage may be refused to a page; then the words are in the form alone, as without this script. */
function stored(work) {
  try {
    return work(window.sessionStorage);
  } catch {
    return null;
  }
}

const box = document.querySelector("textarea[data-draft]");
const ground = document.querySelector("#q-ground");

const received = document.querySelector("[data-received]");
if (received) stored((all) => all.removeItem(name(received.dataset.notice)));

if (box) {
  const draft = name(box.dataset.draft);
  const before = JSON.parse(stored((all) => all.getItem(draft)) ?? "null");
  if (before && box.value === "") {
    box.value = before.text;
    ground.value = before.ground;
  }
  const keep = () => stored((all) => all.setItem(draft, JSON.stringify({ text: box.value, ground: ground.value })));
  box.addEventListener("input", keep);
  ground.addEventListener("change", keep);
}

document.addEventListener("submit", (event) => {
  const number = event.target.dataset.forget;
  if (number) stored((all) => all.removeItem(name(number)));
});
