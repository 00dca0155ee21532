// The log form under a thumb, and without a line: search, a draft, and sending again with the same key.
// The draft holds codes, times and opaque ids; never a name, a number, an id of the roster or a word that
// somebody wrote. It is erased on receipt, on signing out and after twelve hours.
"use strict";

const STORE = "cism-log-draft";
const OWNER = "cism-log-owner"; // the opaque id of whoever opened the form here last
const KEPT_MS = 12 * 60 * 60 * 1000;
const AGAIN_MS = 5000;
const WRITTEN = new Set(["form_token", "type_search", "others", "dispatcher_other", "call_taker_other", "waited"]);
const form = document.getElementById("log");

function forget() {
  try { localStorage.removeItem(STORE); } catch (problem) { /* nothing is kept there either */ }
}

function kept(owner) {
  try {
    const found = JSON.parse(localStorage.getItem(STORE));
    const mine = found && (found.owner === owner || found.later); // one written without a line names nobody
    if (mine && Date.now() - found.at < KEPT_MS) return found;
  } catch (problem) { /* unreadable: as if there were none */ }
  forget();
  return null;
}

function keep(draft) {
  try { localStorage.setItem(STORE, JSON.stringify(draft)); } catch (problem) { /* no room: it is still in the page */ }
}

function keepWithoutLine(owner) {
  try { localStorage.setItem(OWNER, JSON.stringify({ owner, at: Date.now() })); } catch (problem) { /* no room */ }
  if (!("serviceWorker" in navigator)) return;
  navigator.serviceWorker.register("/log-worker.js", { scope: "/log" })
    .then((found) => { if (found.active) found.active.postMessage("fill"); })
    .catch(() => { /* no place for it here: the form itself works all the same */ });
}

function field(name) { return form.elements.namedItem(name); }

function say(what) {
  const line = document.getElementById("line");
  line.hidden = what === null;
  for (const one of line.querySelectorAll("[data-says]")) one.hidden = one.dataset.says !== what;
}

// --- one kind, chosen by touch, by search or from the list

function pick(code) {
  field("type_search").value = "";
  const chip = [...form.querySelectorAll("input[name=favourite]")].find((one) => one.value === code);
  const other = form.querySelector("input[name=favourite][value='']");
  (chip || other).checked = true;
  field("type").value = chip ? "" : code;
  document.getElementById("found").hidden = true;
}

function search() {
  const words = field("type_search").value.trim().toLowerCase();
  const found = document.getElementById("found");
  found.replaceChildren();
  const kinds = words.length < 2 ? [] : [...field("type").options].filter(
    (one) => one.value && one.textContent.toLowerCase().includes(words)).slice(0, 6);
  for (const one of kinds) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet";
    button.textContent = one.textContent;
    button.addEventListener("click", () => { pick(one.value); field("type").focus(); save(); });
    found.append(button);
  }
  found.hidden = kinds.length === 0;
}

function findPerson(words) {
  for (const crew of form.querySelectorAll("details.crew")) {
    let hits = 0;
    for (const person of crew.querySelectorAll(".person")) {
      const here = person.querySelector("label.choice").textContent.toLowerCase().includes(words);
      person.hidden = !here && !person.querySelector("input").checked;
      hits += here ? 1 : 0;
    }
    if (words) crew.open = hits > 0;
  }
}

// --- the draft

let pressed = null; // when the button was pressed, by this phone's own clock: only a span is ever sent

function save() {
  const fields = [...new FormData(form)].filter(([name, value]) => !WRITTEN.has(name) && value !== "");
  const before = kept(form.dataset.draft);
  keep({ owner: form.dataset.draft, at: before ? before.at : Date.now(), pressed, fields });
}

function restore(draft) {
  for (const box of form.querySelectorAll("input[type=checkbox], input[type=radio]")) box.checked = false;
  for (const [name, value] of draft.fields) {
    const all = form.querySelectorAll(`[name="${CSS.escape(name)}"]`);
    for (const one of all) {
      if (one.type === "checkbox" || one.type === "radio") one.checked = one.checked || one.value === value;
      else one.value = value;
    }
  }
  for (const box of form.querySelectorAll("input[name=there]:checked")) box.closest("details").open = true;
  say("kept");
}

// --- sending

// Written on this phone without a line. By whoever is signed in: it is sent as it is, and its list is filled in
// afterwards. By somebody else: they say what they know of it themselves, and nothing is sent before.
function found(draft) {
  if (draft.owner === form.dataset.draft) {
    restore(draft);
    const later = document.createElement("input");
    later.type = "hidden";
    later.name = "list";
    later.value = "later";
    form.append(later);
    return draft.pressed;
  }
  const kind = draft.fields.find(([name]) => name === "type");
  if (kind) pick(kind[1]);
  say("anothers");
  return null;
}

let sending = false;

async function send() {
  if (sending) return;
  sending = true;
  const body = new URLSearchParams(new FormData(form));
  const minutes = Math.floor((Date.now() - pressed) / 60000);
  body.set("waited", String(Math.max(0, minutes)));
  say("sending");
  let answer = null;
  try {
    answer = await fetch(form.action, { method: "POST", body, credentials: "same-origin" });
  } catch (problem) {
    say("waits");
    setTimeout(send, AGAIN_MS);
    return;
  } finally {
    sending = false;
  }
  if (answer.status >= 500) { // the server is away behind its proxy: as without a line
    say("waits");
    setTimeout(send, AGAIN_MS);
  } else if (answer.redirected) {
    if (new URL(answer.url).pathname.startsWith("/log/")) forget();
    location.assign(answer.url);
  } else {
    pressed = null;
    save();
    form.submit(); // refused: the page itself says why, with everything still filled in
  }
}

if (!form) {
  forget(); // the receipt: it has arrived
} else if (form.dataset.draft) {
  const draft = kept(form.dataset.draft);
  if (draft && !draft.later) restore(draft);
  form.addEventListener("input", save);
  form.addEventListener("change", save);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (pressed === null) pressed = Date.now();
    save();
    send();
  });
  addEventListener("online", () => { if (pressed !== null) send(); });
  setTimeout(() => { if (!kept(form.dataset.draft)) say(null); }, KEPT_MS);
  if (draft && draft.later) pressed = found(draft);
  else if (draft) pressed = draft.pressed;
  if (pressed !== null) send(); // pressed before the page was closed: it is still to be sent
  keepWithoutLine(form.dataset.draft);
}

if (form) {
  field("type_search").addEventListener("input", search);
  field("type").addEventListener("change", () => { if (field("type").value) pick(field("type").value); });
  for (const one of form.querySelectorAll("input[name=favourite]")) {
    one.addEventListener("change", () => { if (one.value) pick(one.value); });
  }
  document.getElementById("finder").hidden = false;
  document.getElementById("find_person").addEventListener("input", (event) => {
    findPerson(event.target.value.trim().toLowerCase());
  });
}
for (const out of document.querySelectorAll("form[data-forget]")) out.addEventListener("submit", () => {
  forget();
  try { localStorage.removeItem(OWNER); } catch (problem) { /* nothing is kept there either */ }
});
