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

const isSignature = (file) => /\.(p7s|sig)$/i.test(file.name);
const stem = (file) => file.name.toLowerCase().replace(/\.[^.]*$/, "");

/** What there is to be asked about these files: each alone, or with its signature if that is a file of its own. */
function pairs(files, signature) {
  if (signature) return [{ file: files[0] ?? null, signature }];
  const isPair = files.length === 2 && files.filter(isSignature).length === 1;
  const content = (own) => files.find((file) => !isSignature(file) && (isPair || [file.name.toLowerCase(), stem(file)].includes(stem(own))));
  const signatures = new Map(files.filter(isSignature).map((own) => [content(own), own]));
  const used = new Set([...signatures].filter(([file]) => file).map(([, own]) => own));
  return files.filter((file) => !used.has(file)).map((file) => ({ file, signature: signatures.get(file) ?? null }));
}

/** Whether there can be a signature in a file: it is a PDF, or CMS in octets or letters, or has nothing in it. */
async function maySign(file) {
  const octets = new Uint8Array(await file.slice(0, 1024).arrayBuffer());
  const text = Array.from(octets, (octet) => String.fromCharCode(octet)).join("");
  return !octets.length || octets[0] === 0x30 || text.includes("%PDF-") || /^\s*(-----BEGIN|MI)/.test(text);
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
  const [bar, drop, apart] = [line.querySelector("progress"), form.querySelector(".drop"), signatures.closest("details")];
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

  /** The page with the answer to one file; whoever comes too early comes again. */
  async function ask({ file, signature }, place) {
    const stays = file && signature && crypto.subtle;
    const size = (stays ? 0 : file?.size ?? 0) + (signature?.size ?? 0);
    // Around the files there are some octets of the form.
    if (size + 4096 > Number(words.limit)) throw new Error("too-large");
    say(place + (stays ? words.hashing : words.uploading));
    if (file && !signature && !(await maySign(file))) throw new Error("unsigned");
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

  /** The card that tells why there is no answer. */
  const told = (reason) => (has(`card-${reason}`) ?? has("card-interrupted")).content.firstElementChild;

  /** Puts a card below the others; gives it. */
  function show(card, name) {
    const own = document.importNode(card, true);
    const unnamed = own.querySelector(".unnamed");
    // What cannot be seen, or turns the text around, is not shown.
    if (unnamed) unnamed.textContent = name.replace(/\p{C}/gu, "\u00b7");
    arm(own);
    answers.append(own);
    return own;
  }

  /** How many came out how, above the answers to several files. */
  function count(shown) {
    const counted = document.createElement("p");
    counted.className = "counted";
    const of = (outcome) => shown.filter((answer) => answer.classList.contains(outcome)).length;
    counted.textContent = ["accept", "reject", "undetermined"].map((outcome) => `${words[outcome]}: ${of(outcome)}`).join(" · ");
    answers.prepend(counted);
    return counted;
  }

  async function check() {
    const [signature, files] = [signatures.files[0], [...chosen.files]];
    message.textContent = "";
    if (!files.length && !signature) message.textContent = words.nothing;
    else if (files.length > Number(words.most)) message.textContent = words.tooMany;
    else if (signature && files.length > 1) message.textContent = words.oneOnly;
    if (message.textContent) return;
    button.disabled = true;
    answers.replaceChildren();
    live.textContent = "";
    const [asked, shown] = [pairs(files, signature), []];
    let isWhole = true;
    for (const [at, one] of asked.entries()) {
      const name = (one.file ?? one.signature).name;
      try {
        const page = await ask(one, asked.length > 1 ? `${at + 1}/${asked.length} ` : "");
        const card = page?.querySelector("#answers > .answer");
        if (!card) throw new Error("interrupted");
        shown.push(show(card, name));
      } catch (error) {
        isWhole = false;
        shown.push(show(told(error.message), name));
      }
    }
    say("");
    button.disabled = false;
    const first = shown.length > 1 ? count(shown) : shown[0].querySelector("h2");
    const parts = [".outcome", ".of", ".sentence"].map((part) => shown[0].querySelector(part)?.textContent ?? "");
    live.textContent = shown.length > 1 ? first.textContent : parts.join(". ");
    first.tabIndex = -1;
    first.focus();
    if (isWhole) {
      chosen.value = "";
      signatures.value = "";
    }
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    check();
  });
  // What is dropped beside the field is dropped on the page all the same: a browser would leave the page and show the file.
  for (const name of ["dragenter", "dragover"]) {
    document.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  document.addEventListener("dragleave", (event) => event.relatedTarget ?? drop.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    const { files } = event.dataTransfer;
    if (button.disabled || !files.length) return;
    const isSignatureAlone = apart.open && files.length === 1 && isSignature(files[0]);
    (isSignatureAlone ? signatures : chosen).files = files;
    // Who says that the signature is a file of its own chooses both first.
    if (!apart.open) check();
  });
}

arm(document);
if (form) start();
