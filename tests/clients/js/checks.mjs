// Runs the checks of one client and prints a line of JSON for each, as python/checks.py does.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

export const GATEWAY = process.env.GATEWAY;
export const UPSTREAM = process.env.UPSTREAM;
export const BASE = `${GATEWAY}/v1`;
export const SMALL = "jimeng-3.0"; // a model with small pictures, for haste
export const FILM = "jimeng-video-3.0";
export const PICTURE = Buffer.from(process.env.PICTURE, "base64");

const PNG_HEAD = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");

// The AI SDK warns of its own old names, on the standard output.
globalThis.AI_SDK_LOG_WARNINGS = false;

export async function run(checks, ...packages) {
  say({ client: Object.fromEntries(packages.map(nameAndVersion)) });
  const outcomes = Object.entries(checks).map(async ([name, check], number) => {
    const key = process.env.KEYS + String(number).padStart(2, "0");
    try {
      await check(key);
      say({ check: name, error: null });
    } catch (error) {
      say({ check: name, error: error.stack ?? String(error) });
    }
  });
  await Promise.all(outcomes);
}

export function say(facts) {
  process.stdout.write(`${JSON.stringify(facts)}\n`);
}

function nameAndVersion(folder) {
  const file = new URL(`node_modules/${folder}/package.json`, import.meta.url);
  const { name, version } = JSON.parse(readFileSync(file, "utf-8"));
  return [name, version];
}

export function isPicture(bytes) {
  assert.deepEqual(Buffer.from(bytes).subarray(0, 8), PNG_HEAD);
}

export async function isPictureLink(url) {
  const answer = await fetch(url);
  assert.equal(answer.headers.get("content-type"), "image/png");
  isPicture(await answer.arrayBuffer());
}

// The link of the first picture in a text.
export function linkIn(markdown) {
  assert.ok(markdown.includes("!["), markdown);
  return markdown.split("](")[1].split(")")[0];
}

export async function control(path, order) {
  const sent = order && { method: "POST", body: JSON.stringify(order) };
  return (await fetch(`${UPSTREAM}/_sim${path}`, sent)).json();
}

// How many paid submissions the upstream has accepted of a key.
export async function submissions(key) {
  return (await control(`/ledger?brief=1&account=${key}`)).submits.length;
}
