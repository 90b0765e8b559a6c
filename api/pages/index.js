import { call, el, pill, show, when } from "/pages/api.js";

const form = document.getElementById("upload");
const drop = document.getElementById("drop");
const input = form.elements.file;

input.addEventListener("change", () => { document.getElementById("chosen").textContent = input.files[0]?.name ?? "Choose a picture"; });
for (const name of ["dragover", "dragleave", "drop"]) {
  drop.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", name === "dragover");
    if (name === "drop" && event.dataTransfer.files.length) {
      input.files = event.dataTransfer.files;
      input.dispatchEvent(new Event("change"));
    }
  });
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  show(null);
  try {
    const response = await call("/v1/uploads", { method: "POST", body: new FormData(form), headers: { "Idempotency-Key": crypto.randomUUID?.() ?? String(Math.random()) } });
    location.href = `/jobs/${(await response.json()).job_id}`;
  } catch (error) {
    show(error);
    button.disabled = false;
    refresh();
  }
});

let timer;
async function refresh() {
  clearTimeout(timer);
  let busy = false;
  try {
    const { jobs } = await (await call("/v1/jobs?limit=25")).json();
    busy = jobs.some((job) => ["queued", "running"].includes(job.status));
    document.getElementById("jobs").replaceChildren(...jobs.map((job) => el("li", {}, el("a", { class: "job", href: `/jobs/${job.job_id}` },
      el("b", {}, job.question || (job.filename ? `Summary of ${job.filename}` : "Summary")), pill(job.status), el("small", {}, job.filename ?? "", " · ", when(job.created_at))))));
    document.getElementById("none").hidden = jobs.length > 0;
  } catch (error) {
    show(error);
  }
  timer = setTimeout(refresh, document.hidden ? 15000 : busy ? 1000 : 4000);
}
refresh();
