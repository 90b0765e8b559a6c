import { call, el, follow, pill, show, when } from "/pages/api.js";

const id = location.pathname.split("/").pop();
const base = `/v1/jobs/${id}`;
const at = (name) => document.getElementById(name);
const amount = (value, unit) => (value == null ? "" : `${value}${unit ? ` ${unit}` : ""}`);
const cells = (row, tag = "td") => el("tr", {}, row.map((text) => el(tag, {}, text ?? "")));
const table = (head, rows) => el("div", { class: "scroll" }, el("table", {}, cells(head, "th"), rows.map((row) => cells(row))));
const section = (title, open, ...body) => el("details", open ? { open: "" } : {}, el("summary", {}, title), ...body);
const source = async (path) => URL.createObjectURL(await (await call(path)).blob());

function answer({ answer, refusal, failure, status, program }) {
  if (refusal) return [el("p", { class: "said refused" }, refusal.reason)];
  if (failure) return [el("p", { class: "said failed" }, failure.reason), el("p", { class: "quiet" }, `Stopped at ${failure.stage}.`)];
  if (!answer) return [el("p", { class: "said quiet" }, status === "queued" ? "Waiting for its turn …" : "Working on it …")];
  const author = program && (program.author === "compiled" ? "compiled from a typed plan" : `code by ${program.author}`);
  return [
    el("p", { class: "said" }, answer.text),
    el("p", {}, pill(answer.verdict), " ", el("small", {}, author ?? "")),
    el("ul", { class: "steps" }, answer.statements.map((one) => el("li", { class: "statement" },
      el("span", {}, one.text === answer.text ? "" : one.text, " ", el("small", { class: one.verified ? "ok" : "warning" }, `${one.verified ? "verified" : "not verified"}: ${one.by}`))))),
  ];
}

const stages = (list) => el("ul", { class: "steps" }, list.map((stage) => {
  const seconds = stage.started_at && stage.finished_at ? `${((new Date(stage.finished_at) - new Date(stage.started_at)) / 1000).toFixed(2)} s` : "";
  const notes = [seconds, stage.attempts > 1 ? `${stage.attempts} attempts` : "", stage.detail ?? ""].filter(Boolean).join(" · ");
  return el("li", {}, el("span", {}, stage.name), el("span", { class: stage.status }, stage.status), el("small", {}, notes));
}));

let shown;
async function picture({ picture, answer, refusal }) {
  if (refusal) at("picture").replaceChildren(el("p", { class: "quiet" }, "A refused file is not stored."));
  if (!picture) return;
  if (!shown) {
    shown = el("svg", { viewBox: `0 0 ${picture.width} ${picture.height}`, preserveAspectRatio: "none" });
    const image = el("img", { alt: "The picture that was analysed", src: await source(`${base}/picture`) });
    at("picture").replaceChildren(el("div", { class: "sheet" }, image, shown));
  }
  shown.replaceChildren(...(answer?.evidence ?? []).filter((one) => one.box).map(({ box, label, value, unit }) =>
    el("rect", { x: box.x - 3, y: box.y - 3, width: box.width + 6, height: box.height + 6, rx: 3 }, el("title", {}, `${label}: ${amount(value, unit)}`))));
}

function facts({ document: read }) {
  if (!read) return [];
  const lines = [["kind", read.kind], ["total", amount(read.total, read.currency)], ["date", read.date]].filter(([, value]) => value);
  return [el("h2", {}, "Document"), el("ul", { class: "steps" }, lines.map(([name, value]) => el("li", {}, name, el("b", { class: "value" }, value)))),
    ...read.warnings.map((text) => el("p", { class: "warning" }, text))];
}

function documentOf({ document: read, truncated }) {
  if (!read || (!read.figures.length && !read.tables.length)) return [];
  return [section("What was read", true,
    read.figures.length > 0 && [el("h3", {}, "Figures"), table(["label", "value", "as read", "confidence"],
      read.figures.map((one) => [one.label, amount(one.value, one.unit), one.text, `${Math.round(one.confidence * 100)} %`]))],
    read.tables.map((one) => [el("h3", {}, one.name ?? "Table"), table(one.columns.map((column) => column.name),
      [...one.rows, ...one.summary_rows].map((row) => row.map((cell) => cell.text)))]),
    truncated && el("p", { class: "quiet" }, "The document holds more than is shown here."))].flat();
}

async function run({ program, findings, execution }) {
  const parts = [];
  if (program) parts.push(section(`Code, attempt ${program.attempt}, by ${program.author}`, false, el("pre", {}, program.code)));
  if (findings?.length) parts.push(section(`Findings (${findings.length})`, false, table(["severity", "rule", "line", "message"],
    findings.map((one) => [el("span", { class: one.severity }, one.severity), `${one.tool} ${one.rule}`, String(one.line ?? ""), one.message]))));
  if (!execution) return parts;
  const drawn = await Promise.all(execution.artefacts.map(async ({ name }) => {
    const url = await source(`${base}/artefacts/${encodeURIComponent(name)}`);
    return name.endsWith(".png") ? el("img", { class: "drawn", src: url, alt: name }) : el("p", {}, el("a", { href: url, download: name }, name));
  }));
  const facts = `${execution.reason} in ${execution.wall_seconds.toFixed(2)} s on ${execution.backend}`;
  parts.push(section(`Run: ${facts}`, drawn.length > 0, ...drawn, el("pre", {}, execution.stdout || "(no output)"),
    execution.detail ? el("p", {}, execution.detail) : "", execution.stderr ? el("pre", { class: "error" }, execution.stderr) : "",
    ...(execution.rejected_artefacts ?? []).map((one) => el("p", { class: "quiet" }, `Left out: ${one}`)),
    execution.controls?.length ? el("p", { class: "quiet" }, `Enforced: ${execution.controls.join(" · ")}`) : ""));
  return parts;
}

const branch = (nodes, parent) => nodes.filter((node) => (node.causation_id ?? null) === parent).map((node) =>
  el("li", {}, `${node.type.split(".").slice(1, 3).join(" ")} `, el("code", {}, node.id.slice(0, 8)), " ", when(node.time),
    el("ul", { class: "tree" }, branch(nodes, node.id))));

let turn = 0;
async function refresh() {
  const mine = ++turn;
  const job = await (await call(base)).json();
  const ended = ["completed", "failed", "refused"].includes(job.status);
  const [nodes, parts] = ended ? await Promise.all([call(`${base}/lineage`).then((response) => response.json()), run(job)]) : [[], []];
  if (mine !== turn) return;
  const title = job.question ?? (job.filename ? `Summary of ${job.filename}` : "Summary");
  document.title = `${title} · Vaultra`;
  at("head").replaceChildren(el("h1", {}, title), el("p", { class: "quiet" }, pill(job.status), ` ${job.filename ?? ""} `, when(job.created_at)));
  at("answer").replaceChildren(...answer(job));
  at("stages").replaceChildren(el("h2", {}, "Stages"), stages(job.stages), ...facts(job));
  at("details").replaceChildren(...documentOf(job), ...parts, ended && nodes.length ? section("Lineage: what caused what", false, el("ul", { class: "tree" }, branch(nodes, null))) : "");
  await picture(job);
}

try {
  await refresh();
  await follow(`${base}/events`, () => refresh().catch(show));
  await refresh();
} catch (error) {
  show(error);
}
