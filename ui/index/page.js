const base = location.href.replace(/[?#].*$/, "").replace(/\/$/, "");
for (const place of document.querySelectorAll(".base")) place.textContent = base;
for (const button of document.querySelectorAll("button")) {
  button.hidden = !navigator.clipboard;
  button.onclick = async () => {
    await navigator.clipboard.writeText(button.previousElementSibling.textContent);
    button.textContent = "Copied";
    setTimeout(() => {
      button.textContent = "Copy";
    }, 1500);
  };
}
