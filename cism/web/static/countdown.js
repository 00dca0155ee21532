"use strict";
// How long is left until each deadline, on the server's clock; without it the times stand as text.
(function () {
  const clock = document.getElementById("clock");
  if (!clock) return;
  const ahead = Date.parse(clock.dataset.now) - Date.now();
  const two = (n) => String(n).padStart(2, "0");
  const span = (seconds) => {
    const hours = Math.floor(seconds / 3600);
    const minutes = Math.floor(seconds / 60) % 60;
    return (hours ? hours + ":" + two(minutes) : minutes) + ":" + two(seconds % 60);
  };
  const shown = Array.from(document.querySelectorAll("time.until"), (time) => {
    const left = document.createElement("span");
    left.className = "left";
    left.setAttribute("aria-hidden", "true"); // read aloud each second it would say nothing else
    time.after(" ", left);
    return { at: Date.parse(time.getAttribute("datetime")), left };
  });
  const tick = () => {
    const now = Date.now() + ahead;
    for (const one of shown) {
      const seconds = Math.trunc((one.at - now) / 1000);
      const late = one.at < now;
      const words = late ? clock.dataset.late : clock.dataset.left;
      one.left.textContent = words.replace("0:00", span(Math.abs(seconds)));
      one.left.classList.toggle("late", late);
    }
  };
  tick();
  setInterval(tick, 1000);
})();
