"use strict";

const FRAME_MILLISECONDS = 100;
const FIELDS = ["n", "temperature", "seed", "labels"];
const WHOLE = ["n", "seed", "labels"];
const element = (id) => document.getElementById(id);
const fields = Object.fromEntries(FIELDS.map((name) => [name, element(name)]));
let model = "sample";
let inputs = [];
let clips = []; // of { canvas, frames }
let frame = 0;

// An error that the page shows as it is.
class Refused extends Error {}

function show(text, isError = false) {
  element("status").textContent = text;
  element("status").classList.toggle("error", isError);
  for (const [name, field] of Object.entries(fields)) {
    const named = isError && new RegExp(`^${name}\\b`, "i").test(text);
    field.setAttribute("aria-invalid", String(named));
  }
}

async function request(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Refused("The server does not answer.");
  }
  if (response.ok) return response;
  const body = await response.json().catch(() => ({}));
  throw new Refused(body.error || `The server answered with status ${response.status}.`);
}

// What the prior takes: one with conditions that this page cannot make is sampled without them.
async function describe() {
  const { models } = await (await request("/v2/models")).json();
  if (!models.includes("sample")) throw new Refused("This model is a tokenizer: it has no samples.");
  inputs = (await (await request("/v2/models/sample")).json()).inputs;
  const unknown = inputs.map((input) => input.name).filter((name) => !FIELDS.includes(name));
  if (unknown.length > 0) {
    if (!models.includes("sample_unconditional")) {
      throw new Refused(`This prior needs ${unknown.join(" and ")}, which this page cannot give.`);
    }
    model = "sample_unconditional";
    inputs = (await (await request(`/v2/models/${model}`)).json()).inputs;
  }
  document.querySelector('label[for="labels"]').hidden = !takes("labels");
}

const takes = (name) => inputs.some((input) => input.name === name);

function values() {
  const found = {};
  for (const name of FIELDS.filter(takes)) {
    const value = fields[name].valueAsNumber;
    if (Number.isNaN(value) || (WHOLE.includes(name) && !Number.isSafeInteger(value))) {
      throw new Refused(`${name}: ${WHOLE.includes(name) ? "a whole number" : "a number"} is needed.`);
    }
    found[name] = name === "labels" ? Array(Math.min(Math.max(found.n, 1), 1000)).fill(value) : [value];
  }
  return found;
}

// The clips come as bytes behind a header of JSON, the binary data extension of the protocol.
async function sample(given) {
  const body = {
    parameters: { binary_data_output: true },
    inputs: inputs.map(({ name, datatype, shape }) => ({
      name,
      datatype,
      shape: shape.length > 0 ? [given[name].length] : [],
      data: given[name],
    })),
  };
  const response = await request(`/v2/models/${model}/infer`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const bytes = await response.arrayBuffer();
  let start = Number(response.headers.get("inference-header-content-length"));
  const header = JSON.parse(new TextDecoder().decode(bytes.slice(0, start)));
  for (const output of header.outputs) {
    const size = output.parameters.binary_data_size;
    if (output.name === "video") return { shape: output.shape, pixels: new Uint8Array(bytes, start, size) };
    start += size;
  }
  throw new Refused("The server sent no video.");
}

function toFrames({ shape: [count, length, height, width, channels], pixels }) {
  const area = height * width;
  const frames = Array.from({ length: count * length }, (_, index) => {
    const image = new ImageData(width, height);
    for (let i = 0; i < area; i++) {
      for (let c = 0; c < 3; c++) {
        image.data[4 * i + c] = pixels[(index * area + i) * channels + (channels < 3 ? 0 : c)];
      }
      image.data[4 * i + 3] = 255;
    }
    return image;
  });
  return Array.from({ length: count }, (_, i) => frames.slice(i * length, (i + 1) * length));
}

function place(videos, seed) {
  frame = 0;
  clips = videos.map((frames) => ({ canvas: document.createElement("canvas"), frames }));
  element("clips").replaceChildren(
    ...clips.map(({ canvas, frames }, index) => {
      canvas.width = frames[0].width;
      canvas.height = frames[0].height;
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", `Clip ${index + 1} of ${clips.length}, ${frames.length} frames, seed ${seed}`);
      const item = document.createElement("li");
      const caption = document.createElement("span");
      caption.textContent = `Clip ${index + 1}`;
      item.append(canvas, caption);
      return item;
    }),
  );
  draw();
}

function draw() {
  for (const { canvas, frames } of clips) {
    canvas.getContext("2d").putImageData(frames[frame % frames.length], 0, 0);
  }
}

async function submit(event) {
  event?.preventDefault();
  const buttons = [...document.querySelectorAll("button[type=submit], #next")];
  buttons.forEach((button) => (button.disabled = true));
  show("Sampling …");
  try {
    if (inputs.length === 0) await describe();
    const given = values();
    const start = performance.now();
    const videos = toFrames(await sample(given));
    place(videos, given.seed[0]);
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    show(`${videos.length} ${videos.length === 1 ? "clip" : "clips"} in ${seconds} seconds.`);
  } catch (error) {
    show(error instanceof Refused ? error.message : `The page failed: ${error.message}.`, true);
  } finally {
    buttons.forEach((button) => (button.disabled = false));
  }
}

function pause(paused) {
  element("pause").setAttribute("aria-pressed", String(paused));
}

element("controls").addEventListener("submit", submit);
element("next").addEventListener("click", () => {
  fields.seed.value = (fields.seed.valueAsNumber || 0) + 1;
  submit();
});
element("pause").addEventListener("click", () => {
  pause(element("pause").getAttribute("aria-pressed") !== "true");
});
pause(matchMedia("(prefers-reduced-motion: reduce)").matches);
setInterval(() => {
  if (element("pause").getAttribute("aria-pressed") === "true") return;
  frame += 1;
  draw();
}, FRAME_MILLISECONDS);
describe().then(() => show("Ready."), (error) => show(error.message, true));
