// Everything from documents enters the page as text nodes, never as markup.
export function el(tag, attributes = {}, ...children) {
  const svg = ["svg", "rect", "title"].includes(tag);
  const node = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children.flat(Infinity).filter((child) => child != null && child !== false));
  return node;
}

export const when = (iso) => el("time", { datetime: iso }, new Date(iso).toLocaleString());
export const pill = (status) => el("span", { class: `pill ${status}` }, status.replace("_", " "));

export function show(problem) {
  const line = document.getElementById("problem");
  line.textContent = problem?.message ?? "";
  line.hidden = !problem;
}

// Where keys are needed, this tab keeps one in memory of the session only.
const STORE = "vaultra-key";
function askForKey() {
  const input = el("input", { type: "password", placeholder: "vk_…", "aria-label": "API key", autocomplete: "off" });
  const form = el("form", { method: "dialog" }, el("p", {}, "This server needs an API key."), el("div", { class: "ask" }, input, el("button", {}, "Open")));
  const dialog = el("dialog", {}, form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => form.addEventListener("submit", () => {
    sessionStorage.setItem(STORE, input.value.trim());
    resolve();
    setTimeout(() => dialog.remove());
  }));
}

let asking = null;
export async function call(path, options = {}) {
  const key = sessionStorage.getItem(STORE);
  const headers = { ...options.headers, ...(key && { Authorization: `Bearer ${key}` }) };
  const response = await fetch(path, { ...options, headers });
  if (response.status === 401) {
    asking ??= askForKey().finally(() => { asking = null; });
    await asking;
    return call(path, options);
  }
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  throw Object.assign(new Error(problem.detail ?? `The server answered ${response.status}.`), { status: response.status });
}

// Server-sent events by fetch, because EventSource cannot send a key. Resumes where it was cut off.
export async function follow(path, onEvent) {
  let last = "";
  for (;;) {
    try {
      const response = await call(path, { headers: last ? { "Last-Event-ID": last } : {} });
      if (response.status === 204) return;
      let text = "";
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        const blocks = (text + part.value).split("\n\n");
        text = blocks.pop();
        for (const block of blocks) {
          const fields = Object.fromEntries(block.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]));
          if (fields.id) last = fields.id;
          if (fields.data) onEvent(fields.event, JSON.parse(fields.data));
        }
      }
    } catch (error) {
      if (error.status && error.status < 500 && error.status !== 429) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}
