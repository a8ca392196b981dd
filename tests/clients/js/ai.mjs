// Vercel's AI SDK with its provider for OpenAI-compatible servers; `node ai.mjs 6` runs the older pair.
import assert from "node:assert/strict";
import { BASE, PICTURE, SMALL, isPicture, isPictureLink, linkIn, run, submissions } from "./checks.mjs";

const SETS = {
  7: ["ai", "@ai-sdk/openai-compatible", "@ai-sdk/openai"],
  6: ["ai6", "openai-compatible2", "openai3"],
};
const packages = SETS[process.argv[2] ?? "7"];
const { generateImage, generateText, streamText, APICallError } = await import(packages[0]);
const { createOpenAICompatible } = await import(packages[1]);
const { createOpenAI } = await import(packages[2]);

const provider = (apiKey) => createOpenAICompatible({ name: "jimeng", baseURL: BASE, apiKey });
const openai = (apiKey) => createOpenAI({ baseURL: BASE, apiKey });

const CHECKS = {
  "generate: n exact": async (key) => {
    const model = provider(key).imageModel(SMALL);
    const made = await generateImage({ model, prompt: "a cat", n: 2, size: "1024x1024" });
    assert.equal(made.images.length, 2);
    for (const image of made.images) isPicture(image.uint8Array);
    assert.equal(await submissions(key), 1);
  },

  "generate: own parameters": async (key) => {
    const made = await generateImage({
      model: provider(key).imageModel(SMALL),
      prompt: "a cat",
      n: 1,
      providerOptions: { jimeng: { ratio: "16:9", response_format: "b64_json" } },
    });
    const head = Buffer.from(made.image.uint8Array);
    const shape = head.readUInt32BE(16) / head.readUInt32BE(20);
    assert.ok(shape > 1.7 && shape < 1.8, String(shape));
  },

  "generate: OpenAI's names": async (key) => {
    const model = provider(key).imageModel("gpt-image-1");
    isPicture((await generateImage({ model, prompt: "a cat" })).image.uint8Array);
  },

  edit: async (key) => {
    const made = await generateImage({
      model: provider(key).imageModel(SMALL),
      prompt: { text: "blue", images: [PICTURE] },
      n: 1,
    });
    isPicture(made.image.uint8Array);
  },

  "generate: createOpenAI": async (key) => {
    const model = openai(key).image(SMALL);
    isPicture((await generateImage({ model, prompt: "a cat", n: 1 })).image.uint8Array);
  },

  chat: async (key) => {
    const said = await generateText({ model: provider(key)(SMALL), prompt: "draw a cat" });
    assert.equal(said.finishReason, "stop");
    await isPictureLink(linkIn(said.text));
  },

  "chat: stream": async (key) => {
    const said = streamText({ model: provider(key)(SMALL), prompt: "draw a cat" });
    let text = "";
    for await (const piece of said.textStream) text += piece;
    await isPictureLink(linkIn(text));
    assert.equal(await said.finishReason, "stop");
  },

  "chat: picture": async (key) => {
    const content = [
      { type: "text", text: "the same, asleep" },
      { type: "image", image: PICTURE },
    ];
    const messages = [{ role: "user", content }];
    const said = await generateText({ model: openai(key).chat(SMALL), messages });
    await isPictureLink(linkIn(said.text));
  },

  responses: async (key) => {
    const said = await generateText({ model: openai(key)(SMALL), prompt: "draw a cat" });
    await isPictureLink(linkIn(said.text));
  },

  "responses: tool": async (key) => {
    const tools = { image_generation: openai(key).tools.imageGeneration({ outputFormat: "png" }) };
    const said = await generateText({ model: openai(key)(SMALL), prompt: "draw a cat", tools });
    const [made] = said.staticToolResults;
    isPicture(Buffer.from(made.output.result, "base64"));
  },

  "responses: stream": async (key) => {
    const said = streamText({ model: openai(key)(SMALL), prompt: "draw a cat" });
    await isPictureLink(linkIn(await said.text));
  },

  errors: async (key) => {
    const model = provider(key).imageModel("none");
    await assert.rejects(generateImage({ model, prompt: "a cat" }), (error) => {
      assert.ok(APICallError.isInstance(error), String(error));
      assert.equal(error.statusCode, 404);
      assert.ok(error.message.includes("none"), error.message);
      return true;
    });
  },
};

await run(CHECKS, ...packages);
