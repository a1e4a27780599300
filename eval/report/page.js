"use strict";
// The list of questions: filtered, a hundred at a time, a question's inside drawn when it is opened.
// Text only ever becomes text nodes. Offsets count code points, as Python's do, not JavaScript's UTF-16 units.
(() => {
  const STEP = 100;
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const list = byId("list"), more = byId("more"), count = byId("count");
  let chosen = [], shown = 0;

  const make = (tag, kind, ...inside) => {
    const element = document.createElement(tag);
    if (kind) element.className = kind;
    element.append(...inside.filter((x) => x !== null && x !== undefined));
    return element;
  };

  for (const question of data.questions) {
    const said = question.results.map((r) => (r ? `${r.short ?? ""} ${r.text} ${r.error ?? ""}` : ""));
    question.haystack = [question.id, question.q, ...question.golds, ...said].join("\n").toLowerCase();
    question.outcomes = question.results.map((r) => (r ? r.outcome : "not asked"));
  }

  const passes = (question, outcome, tag, words) => {
    if (tag && !question.tags.includes(tag)) return false;
    if (outcome === "*changed" && new Set(question.outcomes).size < 2) return false;
    if (outcome === "*failed" && question.outcomes.every((o) => o === "right")) return false;
    if (outcome && outcome[0] !== "*" && !question.outcomes.includes(outcome)) return false;
    return words.every((word) => question.haystack.includes(word));
  };

  const filter = () => {
    const words = byId("text").value.toLowerCase().split(/\s+/).filter(Boolean);
    const outcome = byId("outcome").value, tag = byId("tag").value;
    chosen = data.questions.filter((q) => passes(q, outcome, tag, words));
    shown = 0;
    list.replaceChildren();
    count.textContent = `${chosen.length} of ${data.questions.length} questions`;
    grow();
  };

  const grow = () => {
    list.append(...chosen.slice(shown, shown + STEP).map(row));
    shown = Math.min(chosen.length, shown + STEP);
    more.hidden = shown === chosen.length;
    more.textContent = `Show more (${chosen.length - shown} left)`;
  };

  const row = (question) => {
    const badges = question.outcomes.map((o) => make("span", `outcome ${o === "right" ? "right" : ""}`, o));
    const head = make("summary", "", make("span", "id", question.id), question.q, ...badges);
    const details = make("details", "question", head);
    details.addEventListener("toggle", () => {
      if (details.open && details.childElementCount === 1) details.append(inside(question));
    });
    return details;
  };

  const inside = (question) => {
    const gold = question.answerable ? question.golds.join(" | ") || "see the evidence" : "the article does not say";
    const body = make("div", "asked", make("p", "note", `gold: ${gold}. ${question.article}. ${question.tags.join(", ")}`));
    if (question.history.length) body.append(make("p", "note", `after: ${question.history.join(" → ")}`));
    for (const [, , text] of question.evidence) body.append(make("p", "passage", make("mark", "gold", text)));
    body.append(make("div", "results", ...question.results.map((r, i) => result(question, r, data.runs[i]))));
    return body;
  };

  const result = (question, r, run) => {
    const box = make("div", "result");
    if (data.runs.length > 1) box.append(make("h3", "", run));
    if (!r) return make("div", "result", make("p", "note", `${run} did not ask this.`));
    if (r.error) box.append(make("p", "error", r.error));
    const said = make("p", "said", r.short ? make("strong", "", r.short) : null, r.text);
    if (!r.error) box.append(said);
    if (r.query && r.query !== question.q) box.append(make("p", "note", `searched for: ${r.query}`));
    if (r.nearest) box.append(make("p", "note", `closest sentence: ${r.nearest}`));
    const sure = r.confidence === null || r.confidence === undefined ? "" : `confidence ${r.confidence.toFixed(2)}, `;
    const stages = Object.entries(r.ms).map(([stage, ms]) => `${stage} ${ms.toFixed(1)}`).join(", ");
    box.append(make("p", "note", `${sure}${r.latency.toFixed(1)} ms (${stages})`));
    const scores = Object.entries(r.metrics).map(([name, value]) => `${name} ${+value.toFixed(3)}`).join(", ");
    box.append(make("p", "note", scores));
    if (r.citations.length) box.append(make("h3", "", "Citations"));
    for (const [number, article, start, end, quote] of r.citations)
      box.append(make("p", "passage", make("b", "", `[${number}] ${article}, ${start}–${end}`), quote));
    if (r.passages.length) box.append(make("h3", "", "Retrieved passages"));
    r.passages.forEach((index, i) => box.append(passage(question, r, data.texts[index], i + 1)));
    return box;
  };

  const passage = (question, r, [article, start, text], rank) => {
    const points = Array.from(text), kinds = points.map(() => "");
    const paint = (from, to, kind) => {
      for (let i = Math.max(0, from - start); i < Math.min(points.length, to - start); i++)
        kinds[i] = kind === "answer" ? "answer" : kinds[i] === "gold" && kind === "cited" ? "gold cited" : kind;
    };
    if (article === question.article) for (const [from, to] of question.evidence) paint(from, to, "gold");
    for (const [, cited, from, to, quote] of r.citations) {
      if (cited !== article) continue;
      paint(from, to, "cited");
      const at = r.short ? quote.indexOf(r.short) : -1;
      if (at >= 0) {
        const begin = from + Array.from(quote.slice(0, at)).length;
        paint(begin, begin + Array.from(r.short).length, "answer");
      }
    }
    const element = make("div", "passage", make("b", "", `${rank}. ${article}, from ${start}`));
    for (let i = 0; i < points.length; ) {
      let end = i;
      while (end < points.length && kinds[end] === kinds[i]) end++;
      const run = points.slice(i, end).join("");
      element.append(kinds[i] ? make("mark", kinds[i], run) : run);
      i = end;
    }
    return element;
  };

  for (const id of ["outcome", "tag"]) byId(id).addEventListener("change", filter);
  byId("text").addEventListener("input", filter);
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  more.addEventListener("click", grow);
  filter();
  document.body.classList.add("ready");
})();
