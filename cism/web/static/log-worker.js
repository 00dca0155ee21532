// Keeps the log form without names, so that it opens without a line: that page, its script and its style,
// asked for without cookies, so that they are nobody's. Nothing else is kept: no page with a name, no answer.
"use strict";

const CACHE = "cism-log";
const PAGE = "/log-offline";
const PARTS = ["/static/cism.css", "/static/icon.svg", "/static/log-offline.js"];
const PATIENCE_MS = 10000; // a line that does not answer within this is none

async function fill() {
  const found = await Promise.all([PAGE, ...PARTS].map(async (path) => {
    const answer = await fetch(path, { credentials: "omit", cache: "no-cache" });
    if (!answer.ok || answer.redirected) throw new Error(path);
    return [path, answer];
  }));
  const cache = await caches.open(CACHE);
  await Promise.all(found.map(([path, answer]) => cache.put(path, answer)));
}

function late() {
  return new Promise((_done, failed) => { setTimeout(() => failed(new Error("late")), PATIENCE_MS); });
}

async function form(request) {
  const kept = await caches.match(PAGE);
  if (!kept) return fetch(request);
  try {
    const answer = await Promise.race([fetch(request), late()]);
    return answer.status >= 500 ? kept : answer; // the server is away behind its proxy
  } catch (problem) {
    return kept;
  }
}

self.addEventListener("install", (event) => { event.waitUntil(fill()); self.skipWaiting(); });
self.addEventListener("message", (event) => { event.waitUntil(fill().catch(() => null)); });
self.addEventListener("fetch", (event) => {
  const { method, mode, url } = event.request;
  const place = new URL(url);
  if (method !== "GET" || place.origin !== location.origin) return;
  if (mode === "navigate" && place.pathname === "/log") {
    event.respondWith(form(event.request));
  } else if (PARTS.includes(place.pathname)) {
    event.respondWith(fetch(event.request).catch(() => caches.match(place.pathname)));
  }
});
