import { call, el, show } from "/pages/api.js";

const resolve = (api, schema) => (schema?.$ref ? schema.$ref.split("/").slice(1).reduce((node, name) => node[name], api) : schema);
const typeOf = (schema) => schema?.$ref?.split("/").pop() ?? schema?.anyOf?.map(typeOf).join(" or ") ?? (schema?.items ? `list of ${typeOf(schema.items)}` : schema?.format ?? schema?.type ?? "");
const rows = (head, lines) => el("div", { class: "scroll" }, el("table", {}, el("tr", {}, head.map((text) => el("th", {}, text))),
  lines.map((line) => el("tr", {}, line.map((text) => el("td", {}, text ?? ""))))));

function operation(api, path, method, { summary, description, parameters = [], requestBody, responses }) {
  const form = resolve(api, requestBody?.content["multipart/form-data"]?.schema);
  const inputs = [...parameters.map((one) => [el("code", {}, one.name), one.in, typeOf(one.schema), one.description]),
    ...Object.entries(form?.properties ?? {}).map(([name, schema]) => [el("code", {}, name), "form", typeOf(schema), schema.description])];
  const outcomes = Object.entries(responses).map(([status, { description: text, content = {} }]) => [status, text, Object.entries(content).map(([type, { schema }]) => `${typeOf(schema)} ${type}`).join(", ")]);
  return el("details", {}, el("summary", {}, el("code", {}, `${method.toUpperCase()} ${path}`), ` – ${summary ?? ""}`),
    el("p", {}, description ?? ""), inputs.length > 0 && rows(["parameter", "in", "type", ""], inputs), rows(["status", "meaning", "content"], outcomes));
}

try {
  const api = await (await call("/openapi.json")).json();
  document.getElementById("about").textContent = api.info.description;
  document.getElementById("operations").replaceChildren(...Object.entries(api.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, one]) => operation(api, path, method, one))));
} catch (error) {
  show(error);
}
