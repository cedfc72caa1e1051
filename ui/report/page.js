const root = document.documentElement;
const prefersDark = matchMedia("(prefers-color-scheme: dark)");
const button = document.getElementById("theme");
const isDark = () => (root.dataset.theme || (prefersDark.matches ? "dark" : "light")) === "dark";
const nameButton = () => {
  button.textContent = isDark() ? "Light" : "Dark";
};
button.hidden = false;
button.addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  nameButton();
});
prefersDark.addEventListener("change", nameButton);
nameButton();

const tip = document.createElement("div");
tip.className = "tip";
tip.hidden = true;
tip.setAttribute("role", "status");
document.body.append(tip);

function choose(chart, zone, x, y) {
  for (const other of chart.querySelectorAll(".chosen")) other.classList.remove("chosen");
  tip.hidden = !zone;
  if (!zone) return;
  zone.classList.add("chosen");
  if (tip.textContent !== zone.dataset.text) tip.textContent = zone.dataset.text;
  const { width, height } = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(4, Math.min(x + 14, innerWidth - width - 4))}px`;
  tip.style.top = `${y - height - 12 < 4 ? y + 18 : y - height - 12}px`;
}

for (const chart of document.querySelectorAll(".plot > svg")) {
  const zones = [...chart.querySelectorAll(".zone")];
  for (const zone of zones) {
    // The browser's own tooltip would come late, and twice.
    zone.dataset.text = zone.querySelector("title").textContent;
    zone.replaceChildren();
  }
  let at = -1;
  chart.addEventListener("pointermove", (event) => {
    at = zones.indexOf(event.target);
    choose(chart, zones[at], event.clientX, event.clientY);
  });
  chart.addEventListener("pointerleave", () => choose(chart));
  chart.addEventListener("blur", () => choose(chart));
  chart.addEventListener("keydown", (event) => {
    const steps = {
      ArrowRight: at + 1,
      ArrowLeft: at < 0 ? zones.length - 1 : at - 1,
      Home: 0,
      End: zones.length - 1,
      Escape: -1,
    };
    if (!(event.key in steps)) return;
    event.preventDefault();
    at = event.key === "Escape" ? -1 : Math.max(0, Math.min(zones.length - 1, steps[event.key]));
    if (at < 0) return choose(chart);
    chart.scrollIntoView({ block: "nearest" });
    const box = zones[at].getBoundingClientRect();
    choose(chart, zones[at], box.left + box.width / 2, box.top + box.height / 3);
  });
}
