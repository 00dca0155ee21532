"use strict";
// How long is left until each deadline, on the server's clock; without it the times stand as text.
(function () {
  const clock = document.getElementById("clock");
  if (!clock) return;
  const ahead = Date.parse(clock.dataset.now) - Date.now();
  const units = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const span = (seconds) => { // with units: "15:00" beside a time of day reads like another
    const parts = units.map(([each, name]) => {
      const many = Math.floor(seconds / each);
      seconds -= many * each;
      return many + " " + name;
    });
    const begins = parts.findIndex((one) => !one.startsWith("0 "));
    return parts.slice(begins < 0 ? 3 : begins).slice(0, 2).join(" "); // the two that matter
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
