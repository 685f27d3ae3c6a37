// What the page does better with a script: files are dropped, hashed here where only their digest is needed, sent one by one with progress, and
// answers appear below the form. Without it the form is posted as it is.

const form = document.getElementById("check");
const has = (name) => document.getElementById(name);

/** Buttons that print, in whatever part of the page. */
function arm(part) {
  for (const button of part.querySelectorAll("button.print")) {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  }
}

/** Lower-case hexadecimal. */
function hex(octets) {
  return Array.from(new Uint8Array(octets), (octet) => octet.toString(16).padStart(2, "0")).join("");
}

/** How long to wait for what is sent away for now, if it said so: seconds. */
const patience = (request) => ([429, 503].includes(request.status) ? Number(request.getResponseHeader("Retry-After")) : 0);

/** Sends a form; tells how much of it is sent. Resolves to the request, answered. */
function send(body, told) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const failed = () => reject(new Error("interrupted"));
    request.open("POST", form.action);
    request.responseType = "document";
    request.upload.addEventListener("progress", (event) => told(event.lengthComputable ? event.loaded / event.total : null));
    request.addEventListener("load", () => resolve(request));
    request.addEventListener("error", failed);
    request.addEventListener("abort", failed);
    request.send(body);
  });
}

/** The digests of a file, as fields of a form. */
async function digests(file) {
  try {
    const octets = await file.arrayBuffer();
    const made = [];
    for (const algorithm of ["SHA-256", "SHA-384", "SHA-512"]) {
      made.push([algorithm.toLowerCase(), hex(await crypto.subtle.digest(algorithm, octets))]);
    }
    return made;
  } catch {
    throw new Error("unreadable");
  }
}

/** A form about one file, or about a signature and a file of which the digests are sent. */
async function question(file, signature) {
  const body = new FormData();
  for (const name of ["purpose", "receipt"]) {
    const field = form.elements[name];
    if (field && (field.type !== "checkbox" || field.checked)) body.append(name, field.value);
  }
  if (signature) body.append("signature", signature);
  if (file && signature && crypto.subtle) {
    body.append("name", file.name);
    for (const [name, digest] of await digests(file)) body.append(name, digest);
  } else if (file) {
    body.append("document", file);
  }
  return body;
}

function start() {
  const words = form.dataset;
  const [chosen, signatures, message, answers, live] = ["document", "signature", "message", "answers", "live"].map(has);
  const [line, stage, button] = [form.querySelector(".progress"), has("stage"), form.querySelector("button[type=submit]")];
  const [bar, drop] = [line.querySelector("progress"), form.querySelector(".drop")];
  for (const own of form.querySelectorAll(".scripted")) own.hidden = false;
  for (const other of form.querySelectorAll(".scriptless")) other.hidden = true;
  if (crypto.subtle) {
    form.querySelector(".local").hidden = false;
    form.querySelector(".sent").hidden = true;
  }

  function say(text, share) {
    stage.textContent = text;
    line.hidden = !text;
    if (share === undefined || share === null) bar.removeAttribute("value");
    else bar.value = share;
  }

  /** The answer to one file; whoever comes too early comes again. */
  async function ask(file, signature, place) {
    const stays = file && signature && crypto.subtle;
    if (!stays && file && file.size > Number(words.limit)) throw new Error("tooLarge");
    say(place + (stays ? words.hashing : words.uploading));
    const body = await question(file, signature);
    for (let tries = 0; ; tries += 1) {
      const request = await send(body, (share) => {
        if (share === null || share === 1) say(place + words.checking);
        else say(place + words.uploading, share);
      });
      const seconds = patience(request);
      if (!seconds || seconds > 60 || tries === 4) return request.response;
      say(`${place}${words.waiting} ${seconds} s…`);
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    }
  }

  /** Puts the answers of a page where they belong; gives them. */
  function show(page, before) {
    const found = page ? [...page.querySelectorAll("#answers > .answer")] : [];
    if (!found.length) throw new Error("interrupted");
    return found.map((answer) => {
      const own = document.importNode(answer, true);
      arm(own);
      answers.insertBefore(own, before);
      const parts = [own.querySelector("h2"), own.querySelector(".sentence")].map((part) => part?.textContent ?? "");
      live.textContent = parts.join(". ");
      return own;
    });
  }

  /** How many came out how, above the answers to several files. */
  function count(shown) {
    const counted = document.createElement("p");
    counted.className = "counted";
    const of = (outcome) => shown.filter((answer) => answer.classList.contains(outcome)).length;
    counted.textContent = ["accept", "reject", "undetermined"].map((outcome) => `${words[outcome]}: ${of(outcome)}`).join(" · ");
    answers.insertBefore(counted, shown[0]);
    live.textContent = counted.textContent;
    return counted;
  }

  async function check() {
    const signature = signatures.files[0];
    const files = chosen.files.length ? [...chosen.files] : [null];
    message.textContent = "";
    if (!files[0] && !signature) message.textContent = words.nothing;
    else if (files.length > Number(words.most)) message.textContent = words.tooMany;
    else if (signature && files.length > 1) message.textContent = words.oneOnly;
    if (message.textContent) return;
    button.disabled = true;
    const [before, shown, troubles] = [answers.firstChild, [], []];
    for (const [at, file] of files.entries()) {
      const place = files.length > 1 ? `${at + 1}/${files.length} ` : "";
      try {
        shown.push(...show(await ask(file, signature, place), before));
      } catch (error) {
        troubles.push(`${(file ?? signature).name}: ${words[error.message] ?? words.interrupted}`);
      }
    }
    message.textContent = troubles.join(" ");
    say("");
    button.disabled = false;
    if (!shown.length) return;
    const first = shown.length > 1 ? count(shown) : shown[0].querySelector("h2");
    first.tabIndex = -1;
    first.focus();
    if (!troubles.length) {
      chosen.value = "";
      signatures.value = "";
    }
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    check();
  });
  for (const name of ["dragenter", "dragover"]) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    if (button.disabled) return;
    chosen.files = event.dataTransfer.files;
    if (!signatures.closest("details").open) check();
  });
}

arm(document);
if (form) start();
