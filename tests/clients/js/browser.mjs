// OpenAI's client in a browser, on a page of another origin: `node browser.mjs /usr/bin/chromium`.
// SCREENSHOT in the environment names a file for what was seen.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { chromium } from "playwright-core";
import { BASE, GATEWAY, SMALL, run, say } from "./checks.mjs";

const FLAGS = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
  "--disable-dev-shm-usage",
];

const here = (name) => new URL(name, import.meta.url).pathname;
const bundled = await build({
  entryPoints: [here("page.mjs")], bundle: true, write: false, format: "esm", platform: "browser",
});
const files = {
  "/": ["text/html", readFileSync(here("page.html"))],
  "/page.js": ["text/javascript", bundled.outputFiles[0].contents],
};
const server = createServer((request, response) => {
  const [kind, body] = files[request.url] ?? ["text/plain", ""];
  response.writeHead(body ? 200 : 404, { "content-type": kind }).end(body);
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));

const profile = mkdtempSync(join(tmpdir(), "profile-"));
const browser = await chromium.launchPersistentContext(profile, {
  executablePath: process.argv[2], args: FLAGS, viewport: { width: 800, height: 1100 },
});
try {
  const page = await browser.newPage();
  const wrong = [];
  page.on("pageerror", (error) => wrong.push(String(error)));
  const asked = [];
  page.on("request", (request) => asked.push(`${request.method()} ${request.url()}`));
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  const walk = (step, key, ...rest) => page.evaluate(
    ([step, key, base, rest]) => window.walk[step](window.walk.client(key, base), ...rest),
    [step, key, BASE, rest],
  );

  await run({
    async models(key) {
      assert.ok((await walk("models", key)).includes(SMALL));
    },
    "generate: links": async (key) => {
      assert.deepEqual(await walk("generate", key, SMALL), [1328, 1328]);
    },
    "chat: stream": async (key) => {
      const [width] = await walk("chat", key, SMALL);
      assert.ok(width > 1000);
    },
    async errors(key) {
      const error = await walk("errors", key);
      assert.deepEqual([error.kind.replace(/\d+$/, ""), error.status], ["NotFoundError", 404]);
      assert.ok(error.request, "a page may read x-request-id");
    },
  }, "openai", "playwright-core");
  say({ client: { Chromium: browser.browser()?.version() ?? "" } });
  assert.deepEqual(wrong, []);
  assert.ok(asked.some((one) => one.startsWith(`POST ${GATEWAY}`)));
  if (process.env.SCREENSHOT) await page.screenshot({ path: process.env.SCREENSHOT });
} finally {
  await browser.close();
  server.close();
  rmSync(profile, { recursive: true, force: true });
}
