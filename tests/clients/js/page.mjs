// What runs in the browser: a page of another origin that calls the gateway with OpenAI's client.
import OpenAI from "openai";

const shown = (id, text) => (document.getElementById(id).textContent = text);

// Becomes an object URL, as a page does that keeps a picture: for that the link must be readable from here.
async function show(id, link) {
  const image = document.getElementById(id);
  image.src = URL.createObjectURL(await (await fetch(link)).blob());
  await image.decode();
  return [image.naturalWidth, image.naturalHeight];
}

window.walk = {
  client: (apiKey, baseURL) => new OpenAI({ apiKey, baseURL, dangerouslyAllowBrowser: true }),

  async models(api) {
    const names = [];
    for await (const model of api.models.list()) names.push(model.id);
    shown("models", names.length);
    return names;
  },

  async generate(api, model) {
    const made = await api.images.generate({ model, prompt: "a cat", n: 1, size: "1024x1024" });
    return show("picture", made.data[0].url);
  },

  async chat(api, model) {
    const messages = [{ role: "user", content: "draw a cat" }];
    const pieces = await api.chat.completions.create({ model, messages, stream: true });
    let said = "";
    for await (const piece of pieces) said += piece.choices[0]?.delta.content ?? "";
    shown("chat", said);
    return show("drawn", said.split("](")[1].split(")")[0]);
  },

  async errors(api) {
    const error = await api.images.generate({ model: "none", prompt: "a" }).catch((found) => found);
    shown("error", error.message);
    return { kind: error.constructor.name, status: error.status, request: error.requestID };
  },
};
