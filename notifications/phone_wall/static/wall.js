"use strict";
// Keeps the page current. Forms are never touched, so nothing that is being typed is lost.
const wall = document.getElementById("wall");
let version = document.body.dataset.version;

const toEnd = (thread) => { thread.scrollTop = thread.scrollHeight; };
const isAtEnd = (thread) => thread.scrollHeight - thread.scrollTop - thread.clientHeight < 40;

function update(shown, fresh) {
  const thread = shown.querySelector(".thread");
  const follow = isAtEnd(thread);
  shown.querySelector("h2").replaceWith(fresh.querySelector("h2"));
  thread.replaceChildren(...fresh.querySelector(".thread").children);
  const call = shown.querySelector(".call");
  const news = fresh.querySelector(".call");
  // nothing is typed into it, and a key that is being pressed stays under the finger while nothing changes
  if (call.outerHTML !== news.outerHTML) call.replaceWith(news);
  if (follow) toEnd(thread);
}

async function refresh() {
  const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
  version = page.body.dataset.version;
  const count = page.querySelector("header p");
  document.querySelector("header p").replaceWith(count);
  document.querySelector(".armed").replaceWith(page.querySelector(".armed"));
  const handsets = [...page.querySelectorAll(".handset")];
  if (handsets.length) wall.querySelector(".empty")?.remove();
  for (const fresh of handsets) {
    const shown = document.getElementById(fresh.id);
    if (shown) {
      update(shown, fresh);
    } else {
      wall.prepend(fresh);
      toEnd(fresh.querySelector(".thread"));
    }
  }
}

const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

async function watch() {
  for (;;) {
    try {
      const answer = await (await fetch(`/wall/api/version?since=${version}&wait=25`)).json();
      if (String(answer.version) !== String(version)) await refresh();
      await pause(400);
    } catch {
      await pause(2000);
    }
  }
}

document.querySelectorAll(".thread").forEach(toEnd);
watch();
