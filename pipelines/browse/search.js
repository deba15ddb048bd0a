// Finds columns, tables, rules and questions by any of their words. ENTRIES: [name, where, meaning, link], written above.
const box = document.getElementById("search");
const results = document.getElementById("results");
const said = document.getElementById("said");
const MOST = 60;

function find(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  results.replaceChildren();
  if (!words.length) {
    said.textContent = "";
    return;
  }
  const rank = (entry) => (entry[0].toLowerCase() === words.join(" ") ? 0 : entry[0].toLowerCase().includes(words[0]) ? 1 : 2);
  const found = ENTRIES.filter((entry) => {
    const all = entry.slice(0, 3).join(" ").toLowerCase();
    return words.every((word) => all.includes(word));
  }).sort((one, other) => rank(one) - rank(other));
  said.textContent = found.length > MOST ? `${found.length} found; the first ${MOST} are shown` : `${found.length} found`;
  for (const [name, where, meaning, link] of found.slice(0, MOST)) {
    const item = document.createElement("li");
    const anchor = document.createElement("a");
    anchor.href = link;
    anchor.textContent = name;
    const place = document.createElement("span");
    place.className = "place";
    place.textContent = where;
    const words_ = document.createElement("p");
    words_.textContent = meaning;
    item.append(anchor, " ", place, words_);
    results.append(item);
  }
}

if (box) {
  document.getElementById("searching").hidden = false;
  box.value = new URLSearchParams(location.search).get("q") || "";
  box.addEventListener("input", () => find(box.value));
  find(box.value);
}
