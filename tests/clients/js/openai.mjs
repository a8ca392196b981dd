// OpenAI's own client for JavaScript.
import assert from "node:assert/strict";
import OpenAI, { toFile } from "openai";
import {
  BASE, FILM, GATEWAY, PICTURE, SMALL, control, isPicture, isPictureLink, linkIn, run,
  submissions,
} from "./checks.mjs";

const client = (apiKey, baseURL = BASE) => new OpenAI({ apiKey, baseURL });
const URI = `data:image/png;base64,${PICTURE.toString("base64")}`;
const decoded = (text) => Buffer.from(text, "base64");

async function finished(api, id) {
  for (;;) {
    const video = await api.videos.retrieve(id);
    if (video.status === "completed" || video.status === "failed") return video;
    assert.ok(["queued", "in_progress"].includes(video.status), video.status);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const CHECKS = {
  async models(key) {
    const names = [];
    for await (const model of client(key).models.list()) names.push(model.id);
    assert.ok(names.includes(SMALL) && names.includes(FILM));
    assert.equal((await client(key).models.retrieve(SMALL)).object, "model");
    const missing = client(key).models.retrieve("some/such"); // arrives as some%2Fsuch
    await assert.rejects(missing, (error) => error instanceof OpenAI.NotFoundError);
  },

  async "models: base URL with and without /v1"(key) {
    for (const base of [BASE, `${BASE}/`, GATEWAY, `${GATEWAY}/`]) {
      assert.ok((await client(key, base).models.list()).data.length);
    }
  },

  async "generate: n exact"(key) {
    const made = await client(key).images.generate({
      model: SMALL, prompt: "a cat", n: 3, size: "1024x1024", response_format: "b64_json",
    });
    assert.equal(made.data.length, 3);
    assert.ok(made._request_id);
    for (const one of made.data) {
      assert.equal(one.url, undefined);
      isPicture(decoded(one.b64_json));
    }
  },

  async "generate: links"(key) {
    const made = await client(key).images.generate({ model: SMALL, prompt: "a cat", n: 1 });
    assert.ok(made.data[0].url.startsWith(`${GATEWAY}/`));
    await isPictureLink(made.data[0].url);
  },

  async "generate: OpenAI's names"(key) {
    for (const model of ["gpt-image-1", "gpt-image-2"]) {
      const made = await client(key).images.generate({ model, prompt: "a cat", quality: "low" });
      assert.equal(made.data.length, 1);
      isPicture(decoded(made.data[0].b64_json));
    }
  },

  async edit(key) {
    const file = await toFile(PICTURE, "a.png", { type: "image/png" });
    for (const image of [file, [file, await toFile(PICTURE, "b.png")]]) {
      const made = await client(key).images.edit({
        model: SMALL, prompt: "blue", image, n: 1, response_format: "b64_json",
      });
      isPicture(decoded(made.data[0].b64_json));
    }
  },

  async stream(key) {
    const events = await client(key).images.generate({
      model: SMALL, prompt: "a cat", n: 1, stream: true, partial_images: 2,
    });
    let last;
    for await (const event of events) last = event;
    assert.equal(last.type, "image_generation.completed");
    assert.ok(last.usage);
    isPicture(decoded(last.b64_json));
  },

  async "stream: error"(key) {
    await control("/faults", { on: "generate", fault: "text_block", account: key });
    const events = await client(key).images.generate({ model: SMALL, prompt: "a", stream: true });
    await assert.rejects(
      async () => {
        for await (const event of events) assert.ok(event);
      },
      (error) => error instanceof OpenAI.APIError && error.code === "moderation_blocked",
    );
  },

  async videos(key) {
    const api = client(key);
    const made = await api.videos.create({
      model: FILM, prompt: "waves", seconds: "4", size: "1280x720",
    });
    assert.equal(made.object, "video");
    const done = await finished(api, made.id);
    assert.deepEqual([done.status, done.progress, done.seconds], ["completed", 100, "5"]);
    const film = await api.videos.downloadContent(made.id);
    assert.equal(film.headers.get("content-type"), "video/mp4");
    assert.equal(Buffer.from(await film.arrayBuffer()).toString("latin1", 4, 8), "ftyp");
    const other = await api.videos.remix(made.id, { prompt: "by night" });
    const ids = [];
    for await (const video of api.videos.list({ limit: 1 })) ids.push(video.id);
    assert.deepEqual(ids, [other.id, made.id]);
    assert.ok((await api.videos.delete(made.id)).deleted);
  },

  async "videos: first picture"(key) {
    const api = client(key);
    const file = await toFile(PICTURE, "a.png", { type: "image/png" });
    for (const reference of [file, { image_url: URI }]) {
      const made = await api.videos.create({
        model: FILM, prompt: "waves", input_reference: reference,
      });
      assert.equal((await finished(api, made.id)).status, "completed");
    }
    const { submits } = await control(`/ledger?brief=1&account=${key}`);
    assert.deepEqual(submits.map((row) => row.film.mode), ["first_frame", "first_frame"]);
  },

  async "videos: by id"(key) {
    const api = client(key);
    const made = await api.videos.create({ model: FILM, prompt: "waves", seconds: "8" });
    await finished(api, made.id);
    const video = { id: made.id }; // arrives as video[id]
    const changed = await api.videos.edit({ video, prompt: "by night" });
    assert.ok(["queued", "in_progress"].includes(changed.status));
    await assert.rejects(
      api.videos.extend({ video, prompt: "on and on", seconds: "8" }),
      (error) => error instanceof OpenAI.BadRequestError,
    );
  },

  async chat(key) {
    const parts = [
      { type: "text", text: "the same, asleep" },
      { type: "image_url", image_url: { url: URI } },
    ];
    for (const content of ["draw a cat", parts]) {
      const messages = [{ role: "user", content }];
      const said = await client(key).chat.completions.create({ model: SMALL, messages });
      assert.equal(said.choices[0].finish_reason, "stop");
      await isPictureLink(linkIn(said.choices[0].message.content));
    }
  },

  async "chat: stream"(key) {
    const pieces = client(key).chat.completions.stream({
      model: SMALL,
      messages: [{ role: "user", content: "draw a cat" }],
      stream_options: { include_usage: true },
    });
    const said = await pieces.finalChatCompletion();
    assert.ok(said.usage);
    await isPictureLink(linkIn(said.choices[0].message.content));
  },

  async responses(key) {
    const tools = [{ type: "image_generation" }];
    const drawn = await client(key).responses.create({ model: SMALL, tools, input: "draw a cat" });
    const changed = await client(key).responses.create({
      model: SMALL, tools, input: "make it blue", previous_response_id: drawn.id,
    });
    for (const response of [drawn, changed]) {
      const calls = response.output.filter(({ type }) => type === "image_generation_call");
      assert.ok(calls.length);
      for (const call of calls) isPicture(decoded(call.result));
    }
  },

  async "responses: stream"(key) {
    const tools = [{ type: "image_generation", partial_images: 1 }];
    const pieces = client(key).responses.stream({ model: SMALL, tools, input: "draw a cat" });
    const response = await pieces.finalResponse();
    assert.equal(response.status, "completed");
    isPicture(decoded(response.output[0].result));
  },

  async errors(key) {
    const api = client(key);
    const expected = [
      [OpenAI.BadRequestError, "n", () => api.images.generate({ prompt: "x", n: 99 })],
      [OpenAI.BadRequestError, "size", () => api.images.generate({ prompt: "x", size: "banana" })],
      [OpenAI.NotFoundError, "model", () => api.images.generate({ prompt: "x", model: "none" })],
      [OpenAI.NotFoundError, undefined, () => api.videos.retrieve("video_none")],
      [OpenAI.AuthenticationError, undefined, () => client("x").models.list()],
    ];
    for (const [kind, param, ask] of expected) {
      await assert.rejects(ask, (error) => {
        assert.ok(error instanceof kind, String(error));
        assert.ok(param === undefined || error.param === param);
        assert.ok(error.type && error.code && error.requestID && error.message.length > 10);
        return true;
      });
    }
    assert.equal(await submissions(key), 0);
  },

  async "retries: lost answer"(key) {
    await control("/faults", { on: "generate", fault: "accepted_then_reset", account: key });
    assert.ok((await client(key).images.generate({ model: SMALL, prompt: "a", n: 1 })).data.length);
    assert.equal(await submissions(key), 1);
  },

  async "retries: failed job"(key) {
    await control("/faults", { on: "generate", fault: "fails", account: key, times: -1 });
    await assert.rejects(
      client(key).images.generate({ model: SMALL, prompt: "a", n: 1 }),
      (error) => error instanceof OpenAI.InternalServerError && error.code === "generation_failed",
    );
    assert.equal(await submissions(key), 1);
  },
};

await run(CHECKS, "openai");
