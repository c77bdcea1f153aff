// Copies the browser libraries that package.json pins into static/vendor, which is not in the repository
// but travels in the wheel. Run by `npm run build` after `npm ci`.
import { copyFileSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const vendor = join(here, "static", "vendor");
const wanted = [
  ["htmx.org/dist/htmx.min.js", "htmx.min.js"],
];

mkdirSync(vendor, { recursive: true });
for (const [from, to] of wanted) {
  copyFileSync(join(here, "node_modules", from), join(vendor, to));
  console.log(`static/vendor/${to}`);
}
