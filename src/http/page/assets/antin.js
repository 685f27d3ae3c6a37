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

/** Sends a form; tells how much of it is sent. Resolves to a document. */
function send(body, told) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.responseType = "document";
    request.upload.addEventListener("progress", (event) => told(event.lengthComputable ? event.loaded / event.total : null));
    request.addEventListener("load", () => resolve(request.response));
    request.addEventListener("error", () => reject(new Error("interrupted")));
    request.addEventListener("abort", () => reject(new Error("interrupted")));
    request.send(body);
  });
}

/** A form about one file, or about a signature and a file of which the digests are sent. */
async function question(file, signature) {
  const body = new FormData();
  if (signature) {
    body.append("signature", signature);
    if (file && crypto.subtle) {
      const octets = await file.arrayBuffer();
      body.append("name", file.name);
      for (const [name, algorithm] of [["sha-256", "SHA-256"], ["sha-384", "SHA-384"], ["sha-512", "SHA-512"]]) {
        body.append(name, hex(await crypto.subtle.digest(algorithm, octets)));
      }
      return body;
    }
  }
  if (file) body.append("document", file);
  return body;
}

function start() {
  const { limit, most, hashing, uploading, checking, interrupted, tooLarge, tooMany, nothing } = form.dataset;
  const [chosen, signatures, message, answers, live] = ["document", "signature", "message", "answers", "live"].map(has);
  const [line, stage, button] = [form.querySelector(".progress"), has("stage"), form.querySelector("button[type=submit]")];
  const [bar, drop] = [line.querySelector("progress"), form.querySelector(".drop")];
  form.querySelector(".dropping").hidden = false;
  if (crypto.subtle) {
    form.querySelector(".local").hidden = false;
    form.querySelector(".sent").hidden = true;
  }

  function say(words) {
    stage.textContent = words;
    line.hidden = !words;
  }

  /** The answers of a page, put before those that are there. */
  function show(page) {
    const found = page ? [...page.querySelectorAll("#answers > *")] : [];
    if (!found.length) throw new Error("interrupted");
    for (const answer of found.reverse()) {
      const own = document.importNode(answer, true);
      arm(own);
      answers.prepend(own);
      const words = [own.querySelector("h2"), own.querySelector(".sentence")].map((part) => part?.textContent ?? "");
      live.textContent = words.join(". ");
    }
  }

  async function check() {
    const files = [...chosen.files];
    const signature = signatures.files[0];
    message.textContent = "";
    if (!files.length && !signature) message.textContent = nothing;
    else if (files.length > Number(most) || (signature && files.length > 1)) message.textContent = tooMany;
    if (message.textContent) return;
    button.disabled = true;
    try {
      for (const file of files.length ? files : [null]) {
        const stays = signature && crypto.subtle;
        if (!stays && file && file.size > Number(limit)) {
          message.textContent = `${file.name}: ${tooLarge}`;
          continue;
        }
        say(stays && file ? hashing : uploading);
        bar.removeAttribute("value");
        const body = await question(file, signature);
        if (form.elements.receipt?.checked) body.append("receipt", "1");
        show(await send(body, (share) => {
          if (share === null || share === 1) {
            bar.removeAttribute("value");
            say(checking);
          } else {
            bar.value = share;
            say(uploading);
          }
        }));
      }
      const first = answers.querySelector(".answer h2");
      if (first && !message.textContent) {
        first.tabIndex = -1;
        first.focus();
        form.reset();
      }
    } catch {
      message.textContent = interrupted;
    } finally {
      say("");
      button.disabled = false;
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
    chosen.files = event.dataTransfer.files;
    check();
  });
}

arm(document);
if (form) start();
