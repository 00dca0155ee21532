// The log form without a line and without names. What it keeps when the button is pressed: a kind, when it ended, a
// random key, and the opaque id of whoever opened the form here last. The log form sends it (log.js), and erases it.
"use strict";

const STORE = "cism-log-draft";
const OWNER = "cism-log-owner";
const KEPT_MS = 12 * 60 * 60 * 1000;
const AGAIN_MS = 5000;
const form = document.getElementById("offline");
const waits = document.getElementById("waits");

function read(name) {
  try {
    const found = JSON.parse(localStorage.getItem(name));
    if (found && Date.now() - found.at < KEPT_MS) return found;
  } catch (problem) { /* unreadable: as if there were none */ }
  localStorage.removeItem(name);
  return null;
}

function show() {
  const draft = read(STORE);
  const pressed = Boolean(draft && draft.pressed);
  waits.hidden = !pressed; // that one waits, and not what it says: whoever holds the phone reads it
  form.hidden = pressed;
  return pressed;
}

async function look() {
  if (!show()) return;
  try {
    const answer = await fetch("/healthz", { cache: "no-store", credentials: "omit" });
    if (answer.ok) { location.replace("/log"); return; }
  } catch (problem) { /* still no line */ }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const owner = read(OWNER);
  const at = Date.now();
  const key = [...crypto.getRandomValues(new Uint8Array(16))].map((one) => one.toString(16).padStart(2, "0")).join("");
  const fields = [...new FormData(form), ["key", key]];
  localStorage.setItem(STORE, JSON.stringify({ owner: owner ? owner.owner : "", at, pressed: at, later: true, fields }));
  form.reset();
  look();
  scrollTo(0, 0);
});
document.getElementById("take-back").addEventListener("click", () => {
  localStorage.removeItem(STORE);
  show();
});
addEventListener("online", look);
setInterval(look, AGAIN_MS);
show();
