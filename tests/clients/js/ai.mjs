// Vercel's AI SDK with its provider for OpenAI-compatible servers; `node ai.mjs 6` runs the older pair.
import assert from "node:assert/strict";
import { BASE, PICTURE, SMALL, isPicture, run, submissions } from "./checks.mjs";

const PAIRS = { 7: ["ai", "@ai-sdk/openai-compatible"], 6: ["ai6", "openai-compatible2"] };
const packages = PAIRS[process.argv[2] ?? "7"];
const { generateImage, APICallError } = await import(packages[0]);
const { createOpenAICompatible } = await import(packages[1]);

const provider = (apiKey) => createOpenAICompatible({ name: "jimeng", baseURL: BASE, apiKey });

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
